import { describe, expect, it } from '@jest/globals';
import { answersInOrder, untilAborted } from '@weft/proto';

/** Answers that are given when the test says so. */
class Answers {
  readonly asked: number[] = [];
  readonly #waiting = new Map<number, PromiseWithResolvers<string>>();

  readonly answer = (request: number): Promise<string> => {
    this.asked.push(request);
    const waiting = Promise.withResolvers<string>();
    this.#waiting.set(request, waiting);
    return waiting.promise;
  };

  give(request: number): void {
    this.#waiting.get(request)?.resolve(`answer ${request}`);
  }

  fail(request: number): void {
    this.#waiting.get(request)?.reject(new Error(`no ${request}`));
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function all<T>(answers: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const answer of answers) list.push(answer);
  return list;
}

describe('answersInOrder', () => {
  it('begins one before the one before is answered, and keeps their order', async () => {
    const answers = new Answers();
    const given = all(answersInOrder([1, 2, 3], answers.answer, 10));
    await turn();
    expect(answers.asked).toEqual([1, 2, 3]);
    for (const request of [3, 2, 1]) answers.give(request);
    expect(await given).toEqual(['answer 1', 'answer 2', 'answer 3']);
  });

  it('reads no further than it may, until the first is taken', async () => {
    const answers = new Answers();
    const given = answersInOrder([1, 2, 3, 4], answers.answer, 2);
    const first = given.next();
    await turn();
    expect(answers.asked).toEqual([1, 2]);
    answers.give(2);
    await turn();
    expect(answers.asked).toEqual([1, 2]);
    answers.give(1);
    expect((await first).value).toBe('answer 1');
    await turn();
    expect(answers.asked).toEqual([1, 2, 3]);
    await given.return();
    await turn();
    expect(answers.asked).toEqual([1, 2, 3]);
  });

  it('fails with the first that fails, after what was answered before', async () => {
    const answers = new Answers();
    const given = answersInOrder([1, 2, 3], answers.answer, 10);
    const first = given.next();
    await turn();
    answers.fail(3);
    answers.fail(2);
    answers.give(1);
    expect((await first).value).toBe('answer 1');
    await expect(given.next()).rejects.toThrow('no 2');
    expect((await given.next()).done).toBe(true);
  });

  it('answers what came before the source failed', async () => {
    const answers = new Answers();
    const source = async function* () {
      yield 1;
      throw new Error('cut off');
    };
    const given = answersInOrder(source(), answers.answer, 10);
    const first = given.next();
    await turn();
    answers.give(1);
    expect((await first).value).toBe('answer 1');
    await expect(given.next()).rejects.toThrow('cut off');
  });

  it('answers what has come when its source is aborted', async () => {
    const answers = new Answers();
    const closer = new AbortController();
    const source = async function* () {
      yield 1;
      await new Promise(() => {});
    };
    const given = all(answersInOrder(untilAborted(source(), closer.signal), answers.answer, 10));
    await turn();
    closer.abort();
    answers.give(1);
    expect(await given).toEqual(['answer 1']);
  });
});
