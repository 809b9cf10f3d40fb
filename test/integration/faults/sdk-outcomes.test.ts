import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Mesh, Status } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import { Metadata } from 'nice-grpc-common';
import { codeOf, failuresOf, rawService, threeScripted } from '../../support/scripted-mesh.ts';
import { type Script, scripted } from '../../support/scripted-service.ts';
import { TestMesh } from '../../support/test-mesh.ts';

/** Larger than a message may be. */
const TOO_LARGE = 5 * 1024 * 1024;

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

const statesOf = (mesh: Mesh) => mesh.breakers().map(({ state }) => state);

/** More headers than Node reads by default. */
function manyHeaders(): Metadata {
  const metadata = Metadata();
  for (let i = 0; i < 130; i += 1) metadata.set(`key-${i}`, 'value');
  return metadata;
}

/** Status and breaker failures after one call that is made once. */
async function outcomeOf(
  { mesh, users }: Awaited<ReturnType<typeof threeScripted>>,
  script: Script,
  options: Parameters<typeof users.createUser>[1] = {},
) {
  const before = failuresOf(mesh);
  const code = await codeOf(users.createUser({ name: scripted(script) }, options));
  return { code, failures: failuresOf(mesh) - before };
}

describe('what the end of an attempt says of the instance', () => {
  it('counts UNKNOWN, INTERNAL, UNAVAILABLE and DATA_LOSS from the server', async () => {
    const party = await threeScripted(stage, 'counted');
    for (const code of [Status.UNKNOWN, Status.INTERNAL, Status.UNAVAILABLE, Status.DATA_LOSS]) {
      expect(await outcomeOf(party, { code })).toEqual({ code, failures: 1 });
    }
  });

  it('counts no other status from the server', async () => {
    const party = await threeScripted(stage, 'not-counted');
    const counted = [
      Status.UNKNOWN,
      Status.INTERNAL,
      Status.UNAVAILABLE,
      Status.DATA_LOSS,
      Status.RESOURCE_EXHAUSTED,
      Status.OK,
    ];
    const others = Array.from({ length: 17 }, (_, code) => code as Status).filter(
      (code) => !counted.includes(code),
    );
    for (const code of others) {
      expect(await outcomeOf(party, { code })).toEqual({ code, failures: 0 });
    }
  });

  it('B2: counts RESOURCE_EXHAUSTED only if the server sends pushback', async () => {
    const party = await threeScripted(stage, 'exhausted');
    const code = Status.RESOURCE_EXHAUSTED;
    for (let i = 0; i < 20; i += 1) {
      expect(await outcomeOf(party, { code })).toEqual({ code, failures: 0 });
    }
    expect(statesOf(party.mesh)).toEqual(['closed', 'closed', 'closed']);
    expect(await outcomeOf(party, { code, pushbackMs: 20 })).toEqual({ code, failures: 1 });
  });

  it('B1: counts a passed deadline only if siblings return within half of it', async () => {
    const party = await threeScripted(stage, 'late');
    // Nothing is known of a call that takes this long: it was answered in no time before.
    for (let i = 0; i < 6; i += 1) await outcomeOf(party, { sleepMs: 50 });
    for (let i = 0; i < 20; i += 1) {
      expect(await outcomeOf(party, { sleepMs: 50 }, { timeoutMs: 5 })).toEqual({
        code: Status.DEADLINE_EXCEEDED,
        failures: 0,
      });
    }
    expect(statesOf(party.mesh)).toEqual(['closed', 'closed', 'closed']);
    expect(await outcomeOf(party, { sleepMs: 5000 }, { timeoutMs: 1500 })).toEqual({
      code: Status.DEADLINE_EXCEEDED,
      failures: 1,
    });
  });

  it('K8: remembers what siblings take when clients are made and policies change', async () => {
    const party = await threeScripted(stage, 'remembered');
    const { mesh } = party;
    mesh.client(UserServiceDefinition, { service: 'remembered' });
    mesh.channel('remembered', { contract: UserServiceDefinition });
    mesh.configure('remembered', { maxInFlight: 77 });
    expect(await outcomeOf(party, { sleepMs: 5000 }, { timeoutMs: 1000 })).toEqual({
      code: Status.DEADLINE_EXCEEDED,
      failures: 1,
    });
  });

  it('B3, B4: counts nothing that the client itself refuses or gives up', async () => {
    const party = await threeScripted(stage, 'own-errors', { retry: { perTryTimeoutMs: 10_000 } });
    const { mesh, users } = party;
    const many = manyHeaders();
    const aborted = () => AbortSignal.timeout(20);
    for (let i = 0; i < 6; i += 1) {
      await users.createUser({}, { metadata: many });
      const large = { name: scripted({ bytes: TOO_LARGE }) };
      expect(await codeOf(users.createUser(large))).toBe(Status.RESOURCE_EXHAUSTED);
      const largeRequest = { name: 'x'.repeat(TOO_LARGE) };
      expect(await codeOf(users.createUser(largeRequest))).toBe(Status.RESOURCE_EXHAUSTED);
      const slow = { name: scripted({ sleepMs: 1000 }) };
      await expect(users.createUser(slow, { signal: aborted() })).rejects.toThrow();
    }
    expect(failuresOf(mesh)).toBe(0);
    expect(statesOf(mesh)).toEqual(['closed', 'closed', 'closed']);
  });

  it('B4: never retries a response that is too large', async () => {
    const { users } = await threeScripted(stage, 'too-large');
    let attempts = 0;
    const call = users.getUser(
      { id: scripted({ bytes: TOO_LARGE }) },
      { onReport: (report) => (attempts = report.attempts.length) },
    );
    expect(await codeOf(call)).toBe(Status.RESOURCE_EXHAUSTED);
    expect(attempts).toBe(1);
  });

  it('counts a response that is torn or reset, and none that cannot be decoded', async () => {
    const { mesh, fails } = await rawService(stage, 'raw-ends');
    expect(await fails('torn')).toEqual({ code: Status.UNAVAILABLE, endedBy: 'connection' });
    expect(failuresOf(mesh)).toBe(1);
    expect(await fails('reset')).toEqual({ code: Status.INTERNAL, endedBy: 'connection' });
    expect(failuresOf(mesh)).toBe(2);
    // A server of plain Node resets a stream with more than 128 headers.
    expect(await fails('fine', manyHeaders())).toEqual({
      code: Status.RESOURCE_EXHAUSTED,
      endedBy: 'connection',
    });
    expect(failuresOf(mesh)).toBe(2);
    expect(await fails('undecodable')).toEqual({ code: Status.INTERNAL, endedBy: undefined });
    expect(failuresOf(mesh)).toBe(2);
  });

  it('counts a frozen instance whose siblings return in time', async () => {
    const { mesh, users } = await threeScripted(stage, 'frozen', { outlierEjection: false });
    const names = async (sleepMs: number) => {
      const slow = { name: scripted({ sleepMs }) };
      return (await users.createUser(slow, { timeoutMs: 150 })).user?.name;
    };
    const frozen = await names(0);
    const state = () => mesh.breakers().find((each) => each.instanceId === frozen);
    // Round robin: every third call reaches the instance that does not return in time.
    for (let i = 0; state()?.state === 'closed' && i < 30; i += 1) {
      await Promise.all([0, 0, 5000].map((sleepMs) => names(sleepMs).catch(() => {})));
    }
    expect(mesh.breakers().filter(({ state }) => state === 'open').length).toBeGreaterThan(0);
  });
});
