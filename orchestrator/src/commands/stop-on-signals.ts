import { onEndSignals } from '@weft/proto';
import { printNews } from '../output/terminal.ts';

/** What can be stopped: at once with `graceMs` 0, also while it is stopping. */
export interface Stoppable {
  stop(graceMs?: number): Promise<void>;
}

/**
 * Stops what a command started at the first signal; a second one kills what is still there. Dispose of
 * it when everything has stopped.
 */
export function stopOnSignals(started: Stoppable): {
  isStopping: () => boolean;
  dispose: () => void;
} {
  let isStopping = false;
  const dispose = onEndSignals({
    onFirst(signal) {
      isStopping = true;
      printNews(`${signal}: stopping everything (once more to kill it)`);
      void started.stop();
    },
    onAgain(signal) {
      printNews(`${signal} again: killing what is left`);
      void started.stop(0);
    },
  });
  return { isStopping: () => isStopping, dispose };
}
