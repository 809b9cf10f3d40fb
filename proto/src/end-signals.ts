/** Signals that ask a process to end: a supervisor's, Ctrl-C, and that of a terminal that is closed. */
const END_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** A wrapper such as npm passes on the signal that the terminal has sent to its whole process group. */
const SAME_REQUEST_MS = 1000;

export interface EndSignalHandlers {
  /** Called once, at the first signal. */
  readonly onFirst: (signal: NodeJS.Signals) => void;
  /** Called at each signal that comes more than a second after the first. */
  readonly onAgain: (signal: NodeJS.Signals) => void;
}

/**
 * Listens for the signals that ask this process to end (SIGTERM, SIGINT and SIGHUP); none of them ends it by
 * itself any more. All signals within a second after the first are one request with it.
 * @returns a function that stops listening
 */
export function onEndSignals({ onFirst, onAgain }: EndSignalHandlers): () => void {
  let firstMs: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstMs === undefined) {
      firstMs = performance.now();
      onFirst(signal);
    } else if (performance.now() - firstMs > SAME_REQUEST_MS) {
      onAgain(signal);
    }
  };
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of END_SIGNALS) process.off(signal, onSignal);
  };
}
