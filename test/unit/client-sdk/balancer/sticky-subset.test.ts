import { afterEach, describe, expect, it } from '@jest/globals';
import { registerStrategy } from '@weft/client-sdk';
import { silentLog } from '@weft/proto';
import type { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { strategyKey } from '../../../../client-sdk/src/balancer/strategies.ts';
import { Subset } from '../../../../client-sdk/src/balancer/subset.ts';
import { WindowRotation } from '../../../../client-sdk/src/breaker/window-rotation.ts';
import { MethodPlans } from '../../../../client-sdk/src/call/method-plans.ts';
import { createDestination, type Destination } from '../../../../client-sdk/src/destination.ts';
import type { ServiceDirectory } from '../../../../client-sdk/src/discovery/service-directory.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import type { ServicePolicy } from '../../../../client-sdk/src/policy/service-policy.ts';
import { breakerSettings, instance } from '../fixtures.ts';

/** Binds a key to the instance whose id its own text is nearest below. */
class Nearest {
  readonly isSticky = true;
  readonly #endpoints = new Map<string, Endpoint>();

  add(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.instance.id, endpoint);
  }

  remove({ instance: { id } }: Endpoint): void {
    this.#endpoints.delete(id);
  }

  pick({ hashKey = '' }: { hashKey: string | undefined }): Endpoint | undefined {
    const ids = [...this.#endpoints.keys()].sort();
    const id = ids.find((each) => each >= hashKey) ?? ids[0] ?? '';
    return this.#endpoints.get(id);
  }
}

registerStrategy('nearest', () => new Nearest());

const listed = Array.from({ length: 120 }, (_, i) =>
  instance(`e${i}`, { zone: i % 2 === 0 ? 'east' : 'west' }),
);
const keys = Array.from({ length: 200 }, (_, i) => `e${i} of the keys`);
/** No registry: the tests tell the balancer themselves. */
const directory = { follow: () => () => {} } as unknown as ServiceDirectory;

const opened: Destination[] = [];
const rotation = new WindowRotation(breakerSettings.windowMs);

afterEach(() => {
  for (const destination of opened.splice(0)) destination.close();
  rotation.close();
});

/** The service as one client calls it. */
function join(clientId: string, policy: ServicePolicy = {}, zone = ''): Destination {
  const destination = createDestination({
    service: 'echo',
    policy: resolvePolicy({ slowStartMs: 0, ...policy }),
    directory,
    rotation,
    plans: new MethodPlans(),
    observer: { breakerChanged: () => {}, ejected: () => {}, returned: () => {} },
    zone,
    clientId,
    log: silentLog,
  });
  opened.push(destination);
  return destination;
}

function list({ balancer }: Destination): void {
  balancer.apply({ isComplete: true, put: listed, removed: [], revision: 1n });
  connect(balancer);
}

function connect(balancer: Balancer): void {
  for (const each of balancer.endpoints) balancer.setConnection(each, { state: 'ready' });
}

const used = ({ balancer }: Destination) => [...balancer.endpoints].length;

/** Where each key goes by a strategy that a call site asks for. */
function placesOf({ balancer }: Destination, strategy: string, preferZone = false): string[] {
  return keys.map((hashKey) => {
    const call = new CallRecord({ hashKey, strategy: strategyKey({ strategy, preferZone }) });
    const picked = balancer.pick(call);
    if (picked.kind !== 'attempt') throw new Error(JSON.stringify(picked));
    picked.abandon();
    return picked.endpoint.instance.id;
  });
}

describe('a sticky strategy and the subset of a large service', () => {
  it.each(['consistent_hash', 'nearest'])('%s of a call site finds the same instances', (name) => {
    const policy = resolvePolicy({ strategy: name });
    const [a, b] = [join('a'), join('b')];
    // One asks before it knows of instances, the other when it has its subset.
    a.balancer.prepare(policy);
    for (const each of [a, b]) list(each);
    expect([used(a), used(b)]).toEqual([120, 50]);
    b.balancer.prepare(policy);
    expect(used(b)).toBe(120);
    connect(b.balancer);
    expect(placesOf(a, name)).toEqual(placesOf(b, name));
    expect(new Set(placesOf(a, name)).size).toBeGreaterThan(50);
  });

  it('is noticed at the first call at the latest, which goes to what is connected', () => {
    const a = join('a');
    list(a);
    expect(placesOf(a, 'nearest')).toHaveLength(keys.length);
    expect(used(a)).toBe(120);
  });

  it.each(['consistent_hash', 'nearest'])('%s of the service uses all, for good', (strategy) => {
    const [a, b] = [join('a', { strategy }), join('b')];
    for (const each of [a, b]) list(each);
    b.setPolicy(resolvePolicy({ strategy, slowStartMs: 0 }));
    connect(b.balancer);
    expect(placesOf(a, strategy)).toEqual(placesOf(b, strategy));
    b.setPolicy(resolvePolicy({ subset: { size: 10 }, slowStartMs: 0 }));
    expect(used(b)).toBe(120);
  });

  it('is seen through a preference for the own zone', () => {
    const policy = resolvePolicy({ strategy: 'consistent_hash', preferZone: true });
    const [a, b] = [join('a', {}, 'east'), join('b', {}, 'east')];
    for (const each of [a, b]) {
      each.balancer.prepare(policy);
      list(each);
      expect(used(each)).toBe(120);
    }
    const places = placesOf(a, 'consistent_hash', true);
    expect(places).toEqual(placesOf(b, 'consistent_hash', true));
  });

  it('leaves the subset alone where no key decides', () => {
    const a = join('a');
    list(a);
    a.balancer.prepare(resolvePolicy({ strategy: 'least_connections' }));
    placesOf(a, 'random');
    expect(used(a)).toBe(50);
    a.balancer.setSubset(new Subset({ size: 5, from: 10, clientId: 'a' }));
    expect(used(a)).toBe(5);
  });
});
