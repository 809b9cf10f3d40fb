import { printNews } from '../output/terminal.ts';

/** What can be stopped: at once with `graceMs` 0, also while it is stopping. */
export interface Stoppable {
  stop(graceMs?: number): Promise<void>;
}

/** Two signals within this time are one Ctrl-C: the terminal's, and the one that npm passes on. */
const SAME_SIGNAL_MS = 1000;
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Stops what a command started at the first signal; a second one kills what is still there. Dispose of
 * it when everything has stopped.
 */
export function stopOnSignals(started: Stoppable): {
  isStopping: () => boolean;
  dispose: () => void;
} {
  let firstMs: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      printNews(`${signal}: stopping everything (once more to kill it)`);
      void started.stop();
    } else if (performance.now() - firstMs > SAME_SIGNAL_MS) {
      printNews(`${signal} again: killing what is left`);
      void started.stop(0);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    isStopping: () => firstMs !== undefined,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
