import { setImmediate as turn } from 'node:timers/promises';
import { Metadata } from '@grpc/grpc-js';
import type { Attempt } from '../../../client-sdk/src/balancer/attempt.ts';
import { CallRecord } from '../../../client-sdk/src/balancer/call-record.ts';
import {
  connectAll,
  createBreaker,
  createCore,
  createSelector,
  instances,
  listAll,
} from './core.ts';

/** Calls that begin in one turn of the event loop, end in the next: as with as many at once. */
const AT_ONCE = 32;
const GET_USER = '/user.v1.UserService/GetUser';

async function usPerCall(calls: number, begin: () => () => void): Promise<number> {
  const ends: (() => void)[] = [];
  const start = performance.now();
  for (let left = calls; left > 0; left -= AT_ONCE) {
    for (let i = 0; i < AT_ONCE; i += 1) ends.push(begin());
    await turn();
    for (const end of ends) end();
    ends.length = 0;
    await turn();
  }
  return ((performance.now() - start) * 1000) / calls;
}

/** What one call costs without anything, in us: the loop it is measured in. */
export function nothing(calls: number): Promise<number> {
  return usPerCall(calls, () => () => {});
}

/** What the core adds to each call, in us: call policy, pick, statistics, breaker. No transport. */
export async function core({
  calls,
  strategy,
  count,
}: {
  calls: number;
  strategy: string;
  count: number;
}): Promise<number> {
  const { balancer, close } = createCore(strategy);
  const selector = createSelector(balancer);
  const metadata = new Metadata();
  listAll(balancer, instances(count));
  connectAll(balancer);
  const begin = () => {
    const record: unknown = selector.invoke(GET_USER, metadata).pickInformation;
    const picked = balancer.pick(record instanceof CallRecord ? record : new CallRecord());
    if (picked.kind !== 'attempt') throw new Error(`nothing to pick: ${JSON.stringify(picked)}`);
    const attempt: Attempt = picked;
    attempt.start();
    return () => attempt.end(0);
  };
  await usPerCall(Math.ceil(calls / 4), begin);
  const us = await usPerCall(calls, begin);
  close();
  return us;
}

/** What a breaker by itself costs each call, in us. */
export async function breaker(calls: number): Promise<number> {
  const { breaker: circuit, close } = createBreaker();
  const begin = () => {
    const passage = circuit.admit();
    if (passage === undefined) throw new Error('the breaker refused');
    return () => circuit.ended(passage, 'success');
  };
  await usPerCall(Math.ceil(calls / 4), begin);
  const us = await usPerCall(calls, begin);
  close();
  return us;
}
