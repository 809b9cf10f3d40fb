import { createHook } from 'node:async_hooks';

/** Counts the timeouts and intervals that are set, those too that keep no process alive. */
export function countTimers(): { count(): number; close(): void } {
  const live = new Set<number>();
  const hook = createHook({
    init(id, type) {
      if (type === 'Timeout') live.add(id);
    },
    destroy(id) {
      live.delete(id);
    },
  }).enable();
  return { count: () => live.size, close: () => void hook.disable() };
}
