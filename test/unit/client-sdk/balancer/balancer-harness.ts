import { afterEach, beforeEach, expect, jest } from '@jest/globals';
import type { Instance } from '@weft/proto/registry';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { createStrategy } from '../../../../client-sdk/src/balancer/strategies.ts';
import { Breaker } from '../../../../client-sdk/src/breaker/breaker.ts';
import { WindowRotation } from '../../../../client-sdk/src/breaker/window-rotation.ts';
import { breakerSettings, seededRandom, settle } from '../fixtures.ts';

/** A balancer over least_connections with real breakers, for the tests of one file; time is the tests'. */

export const OK = 0;
export const NOT_FOUND = 5;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;

export let rotation: WindowRotation;
export let balancer: Balancer;
export let told: string[];
export let deferred: (() => void)[];

/** What the balancer put off until the end of this turn of the event loop. */
export function endTurn(): void {
  for (const task of deferred.splice(0)) task();
}

beforeEach(() => {
  jest.useFakeTimers();
  rotation = new WindowRotation(breakerSettings.windowMs);
  balancer = new Balancer({
    service: 'echo',
    strategy: createStrategy('least_connections', seededRandom(1)),
    createBreaker: (onChange) => new Breaker(breakerSettings, rotation.emitter, onChange),
    defer: (task) => deferred.push(task),
  });
  told = [];
  deferred = [];
  balancer.listen({
    endpointAdded: (each) => told.push(`added ${each.instance.id}`),
    endpointRemoved: (each) => told.push(`removed ${each.instance.id}`),
    picksChanged: () => {},
  });
});

afterEach(() => {
  balancer.close();
  rotation.close();
  expect(rotation.emitter.listenerCount('rotate')).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

export function find(id: string): Endpoint {
  const found = [...balancer.endpoints].find((each) => each.instance.id === id);
  if (found === undefined) throw new Error(`${id} is not listed`);
  return found;
}

/** Lists them, connected. */
export function list(...instances: Instance[]): void {
  balancer.update(instances);
  for (const each of balancer.endpoints) balancer.setConnection(each, { state: 'ready' });
}

export function pick(call = new CallRecord()): Attempt {
  const picked = balancer.pick(call);
  if (picked.kind !== 'attempt') throw new Error(JSON.stringify(picked));
  return picked;
}

export async function call(statusCode: number, record = new CallRecord()): Promise<string> {
  const attempt = pick(record);
  attempt.start();
  attempt.end(statusCode);
  await settle();
  return attempt.endpoint.instance.id;
}

/** Opens the breaker of the only endpoint listed. */
export async function breakOnly(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await call(INTERNAL);
}

export function pickedIds(): Set<string> {
  const ids = new Set<string>();
  for (let i = 0; i < 50; i += 1) {
    ids.add(pick().endpoint.instance.id);
    endTurn();
  }
  return ids;
}
