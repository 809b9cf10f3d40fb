import type { Recorder } from './recorder.ts';

const TICK_MS = 100;
const STALL_MS = 250;

/** Notes when the machine lets nobody run: what is late then is not the registry's fault. */
export function watchForStalls(recorder: Recorder): Disposable {
  let last = recorder.nowMs;
  const timer = setInterval(() => {
    const now = recorder.nowMs;
    const from = last;
    last = now;
    if (now - from < STALL_MS) return;
    recorder.disturbances.push({ what: 'stalled machine', atMs: from, untilMs: now });
  }, TICK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
