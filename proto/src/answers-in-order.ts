/**
 * Answers what `source` yields, in its order, without waiting for one answer before the next is begun.
 * At most `limit` are under way or wait to be taken; no more is read then. Fails, at its place in the
 * order, with the first that fails, or with the source once all before are answered.
 */
export async function* answersInOrder<Request, Answer>(
  source: AsyncIterable<Request> | Iterable<Request>,
  answer: (request: Request) => Promise<Answer>,
  limit: number,
): AsyncGenerator<Answer, void, undefined> {
  const begun: Promise<Answer>[] = [];
  let isOver = false;
  // One is enough: nobody waits for room while another waits for the first answer.
  let wake = () => {};
  const change = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const read = async () => {
    for await (const request of source) {
      const next = answer(request);
      // Heard of when it comes to it; until then it is not unhandled.
      next.catch(() => {});
      begun.push(next);
      wake();
      while (begun.length >= limit && !isOver) await change();
      if (isOver) return;
    }
  };
  const reading = read().finally(() => {
    isOver = true;
    wake();
  });
  reading.catch(() => {});
  try {
    for (;;) {
      const [first] = begun;
      if (first !== undefined) {
        const done = await first;
        begun.shift();
        wake();
        yield done;
      } else if (isOver) {
        return await reading;
      } else {
        await change();
      }
    }
  } finally {
    isOver = true;
    wake();
  }
}
