import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Mesh, Status } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import { Metadata } from 'nice-grpc-common';
import { eventually } from '../../support/eventually.ts';
import { codeOf, failuresOf, rawService, threeScripted } from '../../support/scripted-mesh.ts';
import { type Script, scripted } from '../../support/scripted-service.ts';
import { TestMesh } from '../../support/test-mesh.ts';

/** Larger than a message may be. */
const TOO_LARGE = 4_300_000;
/** Deadline of a call that is to end by itself, on a busy machine too, in ms. */
const PATIENT_MS = 20_000;

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
  options: Parameters<typeof users.createUser>[1] = { timeoutMs: PATIENT_MS },
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
      // Judged by the time that the attempt had, which a busy machine makes long: see B1.
      Status.DEADLINE_EXCEEDED,
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
      await users.createUser({}, { metadata: many, timeoutMs: PATIENT_MS });
      const slow = { name: scripted({ sleepMs: 1000 }) };
      await expect(users.createUser(slow, { signal: aborted() })).rejects.toThrow();
    }
    const large = { name: scripted({ bytes: TOO_LARGE }) };
    const patient = { timeoutMs: PATIENT_MS };
    expect(await codeOf(users.createUser(large, patient))).toBe(Status.RESOURCE_EXHAUSTED);
    const largeRequest = { name: 'x'.repeat(TOO_LARGE) };
    expect(await codeOf(users.createUser(largeRequest, patient))).toBe(Status.RESOURCE_EXHAUSTED);
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

  it('counts an instance whose handlers hang while its siblings return', async () => {
    const { mesh, users } = await threeScripted(stage, 'hanging', { outlierEjection: false });
    const stateOf = (id: string) => mesh.breakers().find((each) => each.instanceId === id)?.state;
    const name = scripted({ sleepMs: 60_000, sleepsAt: 'b' });
    await eventually(
      async () => {
        const calls = Array.from({ length: 9 }, () =>
          users.createUser({ name }, { timeoutMs: 1000 }).catch(() => {}),
        );
        await Promise.all(calls);
        expect(stateOf('b')).toBe('open');
      },
      { withinMs: 20_000 },
    );
    expect([stateOf('a'), stateOf('c')]).toEqual(['closed', 'closed']);
  });
});
