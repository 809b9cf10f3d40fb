import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { instanceAt, listAll } from './core.ts';
import { countTimers } from './live-timers.ts';
import { createMeshPolicy, type MeshPolicy } from './mesh-policy.ts';

/** Longer than it takes the core to see that there is nothing left to look at, in ms. */
const REST_MS = 250;

/** `count` instances come, are connected to, each called, and go, a hundred at a time. */
async function churn({ balancer, pick }: MeshPolicy, count: number, first: number) {
  const listed = Array.from({ length: count }, (_, index) => instanceAt(first + index));
  for (let known = 100; known <= count; known += 100) {
    listAll(balancer, listed.slice(0, known));
    for (let i = 0; i < 100; i += 1) pick();
    await turn();
  }
  for (let left = count; left >= 0; left -= 100) {
    listAll(balancer, listed.slice(0, left));
  }
}

/**
 * What one client holds before and after `count` instances have come and gone: heap in MB, timers, and
 * connections. New ones each time: what remembers those that are gone would show.
 */
export async function memory({ count, round }: { count: number; round: number }) {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('run with --expose-gc');
  const timers = countTimers();
  const client = createMeshPolicy();
  const held = async () => {
    await sleep(REST_MS);
    const connections = client.channel.forgetUnused();
    for (let i = 0; i < 4; i += 1) {
      await turn();
      gc();
    }
    const heap = process.memoryUsage().heapUsed / 2 ** 20;
    return { 'heap MB': heap, timers: timers.count(), connections };
  };
  // What the first hundred bring about stays: compiled code and tables of the right size.
  await churn(client, 100, 0);
  const before = await held();
  await churn(client, count, (round + 1) * count);
  const after = await held();
  client.close();
  timers.close();
  return { before, after };
}
