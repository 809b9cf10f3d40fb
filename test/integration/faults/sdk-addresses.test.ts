import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Status } from '@weft/client-sdk';
import { IDENTITY_KEY, IDENTITY_VERSION } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import type { EchoInstance } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { createSilentServer } from '../../support/silent-server.ts';
import { answeredSince, callSteadily } from '../../support/steady-calls.ts';
import { TestMesh, warmUp } from '../../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

describe('a peer that takes connections and says nothing', () => {
  it('F4: is left out within 1 s, and used once it answers', async () => {
    const peer = await createSilentServer();
    stage.defer(() => peer.close());
    await stage.serve('half-silent', ['good']);
    await stage.list(peer.port, { service: 'half-silent', id: 'silent' });
    const mesh = stage.join({ slowStartMs: 0 });
    const users = mesh.client(UserServiceDefinition, { service: 'half-silent' });
    const calls = callSteadily(100, (report) => users.createUser({ name: 'x' }, report));
    stage.defer(() => calls.stop());
    await eventually(() => expect(peer.connections).toBeGreaterThan(1), { withinMs: 3000 });
    await peer.close();
    await stage.serve('half-silent', ['late'], { port: peer.port, name: 'elsewhere' });
    await eventually(() => expect(answeredSince(calls, 0).get('late')).toBeGreaterThan(3));
    const all = await calls.stop();
    expect(calls.failures()).toEqual([]);
    expect(Math.max(...all.map(({ ms }) => ms))).toBeLessThan(1000);
  });

  it('F4: when there is no other, calls fail after 1 s and say why', async () => {
    const peer = await createSilentServer();
    stage.defer(() => peer.close());
    await stage.list(peer.port, { service: 'silent', id: 'silent' });
    const users = stage.users('silent');
    const started = performance.now();
    await expect(users.getUser({ id: 'x' }, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: Status.UNAVAILABLE,
      details: expect.stringMatching(/no connection to silent at 127\.0\.0\.1:\d+: /),
    });
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('an address that belongs to somebody else by now', () => {
  /** An instance of `service` as it was listed, which has died and left its port to `host`. */
  const listed = { metadata: new Map([[IDENTITY_KEY, IDENTITY_VERSION]]) };
  const portOf = ({ host }: EchoInstance) => host.instance.address?.port ?? 0;

  it('F5: gets no call when another service took the port over, and the client says so', async () => {
    const [mine] = (await stage.serve('mine', ['a'])) as [EchoInstance];
    const port = portOf(mine);
    const users = stage.users('mine', { breaker: { failures: 1e6 } });
    await warmUp(users, [mine]);
    const { incarnation } = mine.host.instance;
    await mine.host.close();
    // Killed, it could not have taken itself off the list.
    const [other] = (await stage.serve('theirs', ['t'], { port })) as [EchoInstance];
    await stage.list(port, { service: 'mine', id: 'a', incarnation, ...listed });
    const error = await eventually(async () => {
      const failure = await users.getUser({ id: 'x' }).catch((e: unknown) => e);
      expect(failure).toMatchObject({ details: expect.stringContaining('t of theirs answers') });
      return failure;
    });
    expect(error).toMatchObject({ code: Status.UNAVAILABLE });
    for (let i = 0; i < 20; i += 1) await users.createUser({ name: 'x' }).catch(() => {});
    expect(other.calls).toBe(0);
    // Its own clients reach it over the very same address.
    await stage.users('theirs').getUser({ id: 'x' });
    expect(other.calls).toBe(1);
  });

  it('F5: gets no call while another incarnation than the one listed answers', async () => {
    const [now] = (await stage.serve('reborn', ['a'])) as [EchoInstance];
    await stage.list(portOf(now), { service: 'reborn', id: 'old', incarnation: 'i-0', ...listed });
    await stage.list(portOf(now), { service: 'past', id: 'a', incarnation: 'i-0', ...listed });
    const users = stage.users('reborn', { slowStartMs: 0 });
    for (let i = 0; i < 20; i += 1) await users.getUser({ id: 'x' });
    expect(now.calls).toBe(20);
    await expect(stage.users('past').getUser({ id: 'x' })).rejects.toMatchObject({
      details: expect.stringMatching(/a of reborn answers, not a of past/),
    });
    expect(now.calls).toBe(20);
  });
});
