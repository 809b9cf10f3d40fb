/**
 * Passes on what `source` yields until it ends or `signal` aborts, whichever is first. For streams
 * that a peer may leave open and idle: without this they would hold up a server that closes.
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  // Not a promise to race with: one that lasts as long as the stream would keep every race.
  let end = () => {};
  const onAbort = () => end();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        end = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a source with a read under way may answer only when its peer does.
    iterator.return?.().catch(() => {});
  }
}
