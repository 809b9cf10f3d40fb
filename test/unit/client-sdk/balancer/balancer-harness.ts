import { afterEach, beforeEach, expect, jest } from '@jest/globals';
import type { Instance } from '@weft/proto/registry';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import type { NoPick } from '../../../../client-sdk/src/balancer/no-pick.ts';
import type { Subset } from '../../../../client-sdk/src/balancer/subset.ts';
import { Breaker } from '../../../../client-sdk/src/breaker/breaker.ts';
import { WindowRotation } from '../../../../client-sdk/src/breaker/window-rotation.ts';
import type { InstanceChanges } from '../../../../client-sdk/src/discovery/instance-changes.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import type { ServicePolicy } from '../../../../client-sdk/src/policy/service-policy.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { breakerSettings, settle } from '../fixtures.ts';

/** A balancer with real breakers for the tests of one file, new for each; time is the tests'. */

export const OK = 0;
export const NOT_FOUND = 5;
export const RESOURCE_EXHAUSTED = 8;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;

/** Without slow start, so that a pick is not a matter of chance. */
const usual: ServicePolicy = { strategy: 'least_connections', slowStartMs: 0 };

export let rotation: WindowRotation;
export let balancer: Balancer;
/** What the listener was told of endpoints. */
export let told: string[];
/** What the observer was told. */
export let seen: string[];
export let picksChanges: number;
export let deferred: (() => void)[];
/** Ids of the instances whose process answers pings. None unless a test says so. */
export let alive: Set<string>;

/** What the balancer put off until the end of this turn of the event loop. */
export function endTurn(): void {
  for (const task of deferred.splice(0)) task();
}

/** Puts another balancer in the place of the one there is. */
export function useBalancer(policy: ServicePolicy = {}, subset?: Subset): void {
  balancer?.close();
  told = [];
  seen = [];
  deferred = [];
  alive = new Set();
  picksChanges = 0;
  balancer = new Balancer({
    service: 'echo',
    policy: resolvePolicy({ ...usual, ...policy }),
    createBreaker: ({ breaker }, onChange) => new Breaker(breaker, rotation, onChange),
    subset,
    observer: {
      breakerChanged: ({ instance }, from, to) => seen.push(`${instance.id}: ${from} -> ${to}`),
      ejected: ({ instance }, reason, forMs) => seen.push(`${instance.id}: ${reason}, ${forMs} ms`),
      returned: ({ instance }) => seen.push(`${instance.id}: returned`),
    },
    random: seededRandom(1),
    defer: (task) => deferred.push(task),
  });
  balancer.listen({
    endpointAdded: (each) => told.push(`added ${each.instance.id}`),
    endpointRemoved: (each) => told.push(`removed ${each.instance.id}`),
    endpointStalled: (each) => told.push(`stalled ${each.instance.id}`),
    ping: (each, onAnswer) => {
      if (alive.has(each.instance.id)) onAnswer();
      return true;
    },
    picksChanged: () => {
      picksChanges += 1;
    },
  });
}

beforeEach(() => {
  jest.useFakeTimers();
  rotation = new WindowRotation(breakerSettings.windowMs);
  useBalancer();
});

afterEach(() => {
  balancer.close();
  expect(rotation.size).toBe(0);
  rotation.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

export function find(id: string): Endpoint {
  const found = [...balancer.endpoints].find((each) => each.instance.id === id);
  if (found === undefined) throw new Error(`${id} is not listed`);
  return found;
}

let revision = 1n;

/** Tells what has changed since the last time. */
export function change(changes: Partial<InstanceChanges>): void {
  revision += 1n;
  balancer.apply({ isComplete: false, put: [], removed: [], revision, ...changes });
}

export function connectAll(): void {
  for (const each of balancer.endpoints) balancer.setConnection(each, { state: 'ready' });
}

/** Lists them and no others, connected. */
export function list(...instances: Instance[]): void {
  change({ isComplete: true, put: instances });
  connectAll();
}

export function pick(call = new CallRecord()): Attempt {
  const picked = balancer.pick(call);
  if (picked.kind !== 'attempt') throw new Error(JSON.stringify(picked));
  return picked;
}

/** Why `call` cannot be sent now. */
export function refusal(call = new CallRecord()): NoPick {
  const picked = balancer.pick(call);
  if (picked.kind === 'attempt') throw new Error(`sent to ${picked.endpoint.instance.id}`);
  return picked;
}

/** Begins an attempt of a unary call. */
export function begin(call = new CallRecord({ isUnary: true })): Attempt {
  const attempt = pick(call);
  attempt.start();
  return attempt;
}

export async function call(statusCode: number, record = new CallRecord()): Promise<string> {
  const attempt = pick(record);
  attempt.start();
  attempt.end(statusCode);
  await settle();
  return attempt.endpoint.instance.id;
}

/** Begins an attempt of a unary call at `id`, whatever the strategy would choose. */
export function beginAt(id: string): Attempt {
  const isExcluded = (each: Endpoint) => each.instance.id !== id;
  return begin(Object.assign(new CallRecord({ isUnary: true }), { isExcluded }));
}

/** Begins and ends `count` attempts at `id`. */
export async function callAt(id: string, statusCode: number, count = 1): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    beginAt(id).end(statusCode);
    await settle();
  }
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
