/**
 * Runs `check` until it passes, at most `withinMs` (default 5000), and answers what it answers.
 * For real processes and sockets, where the moment is not ours to set; the last failure is thrown.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs = 5000, everyMs = 20 }: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= end) throw error;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}
