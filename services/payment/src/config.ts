const DEFAULT_PROCESSING_MS = 1000;
const MAX_PROCESSING_MS = 600_000;

/**
 * How long charging takes in this simulation: `$PAYMENT_PROCESSING_MS`, 0 to 600,000, default 1000.
 * @throws Error when it is anything else.
 */
export function processingMs(): number {
  const text = process.env.PAYMENT_PROCESSING_MS || String(DEFAULT_PROCESSING_MS);
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > MAX_PROCESSING_MS) {
    throw new Error(
      `PAYMENT_PROCESSING_MS must be a whole number of milliseconds, 0 to ${MAX_PROCESSING_MS}, not '${text}'`,
    );
  }
  return value;
}
