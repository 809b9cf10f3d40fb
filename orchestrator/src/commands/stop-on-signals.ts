import type { Orchestrator } from '../orchestrator.ts';
import { printNews } from '../output/terminal.ts';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Stops the orchestrator at the first signal; a second one kills what is still there. Dispose of it
 * when the orchestrator has stopped.
 */
export function stopOnSignals(orchestrator: Orchestrator): {
  isStopping: () => boolean;
  dispose: () => void;
} {
  let count = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    count += 1;
    if (count === 1) {
      printNews(`${signal}: stopping everything (once more to kill it)`);
      void orchestrator.stop();
    } else {
      printNews(`${signal} again: killing what is left`);
      void orchestrator.stop(0);
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    isStopping: () => count > 0,
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}
