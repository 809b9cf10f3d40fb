import type { Log } from '@weft/proto';

/**
 * Calls what a program handed in to be told something. What it throws, or its promise rejects with, is
 * logged and goes no further: whoever tells must not break by who listens.
 * @param name what it is known by: `onReport`
 */
export function tell(log: Log, name: string, callback: () => unknown): void {
  const failed = (error: unknown) => log.error({ err: error }, `${name} threw; it is ignored`);
  try {
    const result = callback();
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
