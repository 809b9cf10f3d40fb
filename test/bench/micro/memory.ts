import { setImmediate as turn } from 'node:timers/promises';
import type { Balancer } from '../../../client-sdk/src/balancer/balancer.ts';
import { CallRecord } from '../../../client-sdk/src/balancer/call-record.ts';
import { connectAll, createCore, instanceAt, listAll } from './core.ts';

async function collectedHeap(): Promise<number> {
  for (let i = 0; i < 4; i += 1) {
    await turn();
    globalThis.gc?.();
  }
  return process.memoryUsage().heapUsed;
}

/** `count` instances come, are each called, and go, a hundred at a time. */
async function churn(balancer: Balancer, count: number, first: number): Promise<void> {
  const listed = Array.from({ length: count }, (_, index) => instanceAt(first + index));
  for (let known = 100; known <= count; known += 100) {
    listAll(balancer, listed.slice(0, known));
    connectAll(balancer);
    for (let i = 0; i < 100; i += 1) {
      const attempt = balancer.pick(new CallRecord());
      if (attempt.kind !== 'attempt') throw new Error('nothing to pick');
      attempt.start();
      attempt.end(0);
    }
    await turn();
  }
  for (let left = count; left >= 0; left -= 100) {
    listAll(balancer, listed.slice(0, left));
  }
}

const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

/**
 * Heap before and after `count` instances have come and gone in one core, in MB, and the timers then.
 * New ones each time: what remembers those that are gone would show.
 */
export async function memory({ count, round }: { count: number; round: number }) {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc');
  const { balancer, close } = createCore('round_robin');
  // What the first hundred bring about stays: compiled code and tables of the right size.
  await churn(balancer, 100, 0);
  const before = await collectedHeap();
  const timersBefore = timers();
  await churn(balancer, count, (round + 1) * count);
  const after = await collectedHeap();
  const timersAfter = timers();
  close();
  const mb = 2 ** 20;
  return { before: before / mb, after: after / mb, timersBefore, timersAfter };
}
