import { type Log, onEndSignals } from '@weft/proto';

const closers = new Set<() => Promise<void>>();
/** Run when all closers have ended. */
const leavers = new Set<() => Promise<void>>();
let isClosing = false;

async function closeAll(signal: NodeJS.Signals, log: Log): Promise<void> {
  isClosing = true;
  log.info({ signal }, 'closing on signal');
  const results = await Promise.allSettled([...closers].map((close) => close()));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) log.error({ err: failure.reason }, 'closing failed');
  await Promise.allSettled([...leavers].map((leave) => leave()));
  process.exit(failure === undefined ? 0 : 1);
}

/**
 * Runs `leave` before a signal ends the process, after everything given to `closeOnSignals` has closed. Does
 * nothing if the program has given nothing to `closeOnSignals`.
 * @returns a function that takes `leave` back
 */
export function leaveOnSignals(leave: () => Promise<void>): () => void {
  leavers.add(leave);
  return () => leavers.delete(leave);
}

let uninstall: (() => void) | undefined;

function install(log: Log): () => void {
  return onEndSignals({
    onFirst: (signal) => void closeAll(signal, log),
    onAgain(signal) {
      log.warn({ signal }, 'second signal: ending at once');
      process.exit(1);
    },
  });
}

/**
 * Runs `close` when the process is told to end (SIGTERM, SIGINT, SIGHUP), together with all others given
 * here, then ends the process. A signal that comes more than a second after the first ends it at once.
 * @returns a function that takes `close` back
 */
export function closeOnSignals(close: () => Promise<void>, log: Log): () => void {
  closers.add(close);
  uninstall ??= install(log);
  return () => {
    closers.delete(close);
    if (closers.size > 0 || isClosing) return;
    uninstall?.();
    uninstall = undefined;
  };
}
