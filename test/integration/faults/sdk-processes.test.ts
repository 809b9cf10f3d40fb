import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { AttemptReport, MeshOptions, StrategyName } from '@weft/client-sdk';
import { eventually } from '../../support/eventually.ts';
import { type InstanceProcess, startInstance } from '../../support/instance-process.ts';
import { answeredSince, callSteadily } from '../../support/steady-calls.ts';
import { TestMesh } from '../../support/test-mesh.ts';

const SERVICE = 'stub';
const PER_SECOND = 300;
/** Far less than what makes two seconds of silence seem no more than slow. */
const QUICK_MS = 400;
/** Clients tried, until one has known them quick. */
const CLIENTS = 5;

let stage: TestMesh;
const processes = new Map<string, InstanceProcess>();

beforeAll(async () => {
  stage = await TestMesh.start();
  // Leases of 30 s: whatever is noticed sooner, the client has noticed by itself.
  for (const id of ['a', 'b', 'c']) {
    processes.set(id, startInstance(stage.registry.address, SERVICE, id));
  }
  await eventually(
    async () => expect((await stage.host.discover(SERVICE)).instances).toHaveLength(3),
    { withinMs: 20_000 },
  );
}, 30_000);

afterEach(() => stage.clear());

afterAll(async () => {
  await Promise.all([...processes.values()].map((each) => each.end()));
  await stage.close();
});

/**
 * A steady load of idempotent calls that every instance has a part in, by a client that has known them quick:
 * what one slow answer taught it of their silence, as on a busy machine, it would go by for a minute.
 */
async function load(options: MeshOptions) {
  for (let client = 1; client <= CLIENTS; client += 1) {
    const users = stage.users(SERVICE, { slowStartMs: 0, ...options });
    const calls = callSteadily(PER_SECOND, (report) => users.getUser({ id: 'x' }, report));
    stage.defer(() => calls.stop());
    await eventually(() => expect(answeredSince(calls, 0).size).toBe(3));
    if (calls.done.every(({ ms }) => ms < QUICK_MS)) return calls;
    await calls.stop();
  }
  throw new Error(`none of ${CLIENTS} clients was answered within ${QUICK_MS} ms by all instances`);
}

const isAt = (id: string) => (attempt: AttemptReport) => attempt.instance === id;

describe('a frozen instance', () => {
  it.each<[StrategyName]>([['round_robin'], ['p2c_ewma']])(
    'F2: %s leaves it out within 2 s, and no idempotent call fails',
    async (strategy) => {
      const calls = await load({ strategy, outlierEjection: { baseEjectionMs: 2500 } });
      const victim = processes.get('b') as InstanceProcess;
      const stoppedAt = performance.now();
      victim.signal('SIGSTOP');
      stage.defer(() => victim.signal('SIGCONT'));
      await pause(2300);
      const goesOnAt = performance.now();
      victim.signal('SIGCONT');
      if (strategy === 'round_robin') {
        // To peak-EWMA it is the instance that took 2 s, for a minute or so.
        await eventually(() => expect(answeredSince(calls, goesOnAt).get('b')).toBeGreaterThan(3));
      }
      const all = await calls.stop();
      const pickedAfterMs = all
        .filter(({ at, report }) => at < goesOnAt && report?.attempts.some(isAt('b')))
        .map(({ at }) => at - stoppedAt);
      expect(Math.max(...pickedAfterMs)).toBeLessThan(2000);
      expect(calls.failures()).toEqual([]);
    },
  );

  it('F3: frozen for longer than its lease, it registers again when it goes on', async () => {
    const service = 'leased';
    const instance = startInstance(stage.registry.address, service, 'only', 2);
    stage.defer(() => instance.end());
    const listed = async () => (await stage.host.discover(service)).instances;
    await eventually(async () => expect(await listed()).toHaveLength(1), { withinMs: 20_000 });
    const [before] = await listed();
    const users = stage.users(service);
    expect((await users.getUser({ id: 'x' })).user?.name).toBe('only');

    instance.signal('SIGSTOP');
    stage.defer(() => instance.signal('SIGCONT'));
    await eventually(async () => expect(await listed()).toEqual([]), { withinMs: 5000 });
    instance.signal('SIGCONT');
    // Its keep-alive is answered TTL 0: the registry knows its lease no more.
    await eventually(async () => expect(await listed()).toHaveLength(1), { withinMs: 5000 });
    const [after] = await listed();
    expect(after?.leaseId).not.toBe(before?.leaseId);
    // The same run of the same process, so clients know it as what it was.
    expect(after).toMatchObject({ id: before?.id, incarnation: before?.incarnation });
    await eventually(async () => {
      expect((await users.getUser({ id: 'x' })).user?.name).toBe('only');
    });
  }, 40_000);
});

describe('a killed instance', () => {
  it('F1, F22: fails no idempotent call; each is asked again at a different instance', async () => {
    const calls = await load({});
    const killedAt = performance.now();
    await processes.get('a')?.end();
    await pause(1000);
    const all = await calls.stop();
    expect(calls.failures()).toEqual([]);
    const retried = all.filter(({ report }) => (report?.attempts.length ?? 0) > 1);
    for (const { report } of retried) {
      const [first, ...others] = report?.attempts ?? [];
      expect(first).toMatchObject({ instance: 'a', status: 'UNAVAILABLE' });
      expect(others).toEqual([expect.objectContaining({ status: 'OK' })]);
      expect(others.some(isAt('a'))).toBe(false);
    }
    // It is still listed, and picked no more.
    expect((await stage.host.discover(SERVICE)).instances).toHaveLength(3);
    const later = all.filter(({ at }) => at > killedAt + 500);
    expect(later.length).toBeGreaterThan(50);
    expect(later.flatMap(({ report }) => report?.attempts ?? []).filter(isAt('a'))).toEqual([]);
  });
});
