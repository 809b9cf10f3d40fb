import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type AddressRange, listenOnAllLoopback, loopback } from '../../support/address-range.ts';
import { eventually } from '../../support/eventually.ts';
import { callSteadily } from '../../support/steady-calls.ts';
import { TestMesh, usersOf } from '../../support/test-mesh.ts';

const COUNT = 1000;
const SERVICE = 'large';

let stage: TestMesh;
let range: AddressRange;

const register = (index: number) =>
  stage.admin.register({
    instance: {
      service: SERVICE,
      id: `i-${index}`,
      address: { host: loopback(index), port: range.port },
    },
    ttlSeconds: 600,
  });

beforeAll(async () => {
  stage = await TestMesh.start();
  range = await listenOnAllLoopback();
  await Promise.all(Array.from({ length: COUNT }, (_, index) => register(index)));
});

afterEach(() => stage.clear());

afterAll(async () => {
  await range.close();
  await stage.close();
});

describe('a service of 1,000 instances', () => {
  it('has one join and one leave under load; no other is connected anew, no call is lost', async () => {
    const mesh = stage.join({ subset: false, slowStartMs: 0 });
    const users = usersOf(mesh, SERVICE);
    await eventually(
      async () => {
        await users.getUser({ id: 'x' });
        expect(range.open).toBe(COUNT);
      },
      { withinMs: 20_000 },
    );
    // Not idempotent: made once, so that none may be lost.
    const calls = callSteadily(500, (report) => users.createUser({ name: 'x' }, report));
    stage.defer(() => calls.stop());
    await eventually(() => expect(calls.done.length).toBeGreaterThan(50));
    const { sent } = calls;
    // A connection that took long to make may have been tried twice; from now on none is made anew.
    const { opened } = range;
    await register(COUNT);
    await eventually(() => expect(range.opened).toBe(opened + 1), { withinMs: 3000 });
    await stage.admin.deregister({ service: SERVICE, id: 'i-7' });
    await eventually(() => {
      expect(mesh.breakers().some(({ instanceId }) => instanceId === 'i-7')).toBe(false);
    });
    // A full turn of round robin finds the new one and passes the old one over; what was picked
    // before still comes.
    await new Promise((resolve) => setTimeout(resolve, 50));
    range.calls.clear();
    await eventually(() => expect(calls.sent - sent).toBeGreaterThan(1.1 * COUNT), {
      withinMs: 10_000,
    });
    await calls.stop();
    expect(calls.failures()).toEqual([]);
    expect(range.calls.get(loopback(COUNT))).toBeGreaterThan(0);
    expect(range.calls.has(loopback(7))).toBe(false);
    expect(range.opened).toBe(opened + 1);
  }, 40_000);

  it('has a client that uses a subset call no more than that', async () => {
    const mesh = stage.join({ clientId: 'one' });
    const users = usersOf(mesh, SERVICE);
    await users.getUser({ id: 'x' });
    await eventually(() => expect(mesh.breakers()).toHaveLength(50));
    range.calls.clear();
    for (let i = 0; i < 200; i += 1) await users.getUser({ id: 'x' });
    expect(range.calls.size).toBe(50);
  });
});
