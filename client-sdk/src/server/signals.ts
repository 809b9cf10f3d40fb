import type { Log } from '@weft/proto';

const closers = new Set<() => Promise<void>>();
let isClosing = false;

async function onSignal(signal: NodeJS.Signals, log: Log): Promise<void> {
  if (isClosing) {
    log.warn({ signal }, 'second signal: ending at once');
    process.exit(1);
  }
  isClosing = true;
  log.info({ signal }, 'closing on signal');
  const results = await Promise.allSettled([...closers].map((close) => close()));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) log.error({ err: failure.reason }, 'closing failed');
  process.exit(failure === undefined ? 0 : 1);
}

let uninstall: (() => void) | undefined;

function install(log: Log): () => void {
  const listener = (signal: NodeJS.Signals) => void onSignal(signal, log);
  process.on('SIGTERM', listener);
  process.on('SIGINT', listener);
  return () => {
    process.off('SIGTERM', listener);
    process.off('SIGINT', listener);
  };
}

/**
 * Runs `close` when the process is told to end (SIGTERM, SIGINT), together with all others given
 * here, then ends it. Answers what takes it back.
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
