import { expect, it } from '@jest/globals';
import { Turns } from '../../../../registry/src/health/turns.ts';

const never = new AbortController().signal;

it('lets so many go on at once, and the others in the order they came', async () => {
  const turns = new Turns(2);
  const order: number[] = [];
  const take = async (name: number) => {
    expect(await turns.take(never)).toBe(true);
    order.push(name);
  };
  await Promise.all([take(1), take(2)]);
  const later = [take(3), take(4)];
  await Promise.resolve();
  expect(order).toEqual([1, 2]);
  turns.give();
  await later[0];
  expect(order).toEqual([1, 2, 3]);
  turns.give();
  await later[1];
  expect(order).toEqual([1, 2, 3, 4]);
});

it('forgets who gave up waiting', async () => {
  const turns = new Turns(1);
  await turns.take(never);
  const impatient = new AbortController();
  const waiting = turns.take(impatient.signal);
  impatient.abort();
  expect(await waiting).toBe(false);
  expect(await turns.take(impatient.signal)).toBe(false);
  turns.give();
  expect(await turns.take(never)).toBe(true);
});
