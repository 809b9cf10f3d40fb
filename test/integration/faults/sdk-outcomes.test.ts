import { constants } from 'node:http2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type CallReport, callReport, type Mesh, type MeshOptions, Status } from '@weft/client-sdk';
import { PUSHBACK_TRAILER, resourceExhausted, route } from '@weft/proto';
import { GetUserResponse, UserServiceDefinition } from '@weft/proto/user';
import { Metadata, ServerError } from 'nice-grpc-common';
import { eventually } from '../../support/eventually.ts';
import { framed } from '../../support/raw-grpc.ts';
import { startRawServer } from '../../support/raw-server.ts';
import { type Script, scripted, scriptedService } from '../../support/scripted-service.ts';
import { collected, StreamServiceDefinition, saying } from '../../support/stream-service.ts';
import { stubCall } from '../../support/stub-call.ts';
import { TestMesh, usersOf } from '../../support/test-mesh.ts';

const NOTHING = GetUserResponse.encode(GetUserResponse.fromPartial({})).finish();
/** Larger than a message may be. */
const TOO_LARGE = 5 * 1024 * 1024;

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

/** A client of three scripted instances, each of them connected. */
async function three(service: string, options: MeshOptions = {}) {
  const hosts = await Promise.all(
    ['a', 'b', 'c'].map((id) => stage.host.serve(scriptedService(service, id))),
  );
  stage.defer(() => Promise.all(hosts.map((host) => host.close())));
  await Promise.all(hosts.map((host) => host.registered()));
  const mesh = stage.join(options);
  const users = usersOf(mesh, service);
  await eventually(async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => users.createUser({})));
    expect(new Set(answers.map(({ user }) => user?.name)).size).toBe(3);
  });
  return { mesh, users };
}

const failuresOf = (mesh: Mesh) => mesh.breakers().reduce((sum, { failures }) => sum + failures, 0);
const statesOf = (mesh: Mesh) => mesh.breakers().map(({ state }) => state);

async function codeOf(call: Promise<unknown>): Promise<Status | string> {
  try {
    await call;
    return Status.OK;
  } catch (error) {
    return (error as { code?: Status }).code ?? String(error);
  }
}

/** More headers than Node reads by default. */
function manyHeaders(): Metadata {
  const metadata = Metadata();
  for (let i = 0; i < 130; i += 1) metadata.set(`key-${i}`, 'value');
  return metadata;
}

/** Status and breaker failures after one call that is made once. */
async function outcomeOf(
  { mesh, users }: Awaited<ReturnType<typeof three>>,
  script: Script,
  options: Parameters<typeof users.createUser>[1] = {},
) {
  const before = failuresOf(mesh);
  const code = await codeOf(users.createUser({ name: scripted(script) }, options));
  return { code, failures: failuresOf(mesh) - before };
}

describe('what the end of an attempt says of the instance', () => {
  it('counts UNKNOWN, INTERNAL, UNAVAILABLE and DATA_LOSS from the server', async () => {
    const party = await three('counted');
    for (const code of [Status.UNKNOWN, Status.INTERNAL, Status.UNAVAILABLE, Status.DATA_LOSS]) {
      expect(await outcomeOf(party, { code })).toEqual({ code, failures: 1 });
    }
  });

  it('counts no other status from the server', async () => {
    const party = await three('not-counted');
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
    const party = await three('exhausted');
    const code = Status.RESOURCE_EXHAUSTED;
    for (let i = 0; i < 20; i += 1) {
      expect(await outcomeOf(party, { code })).toEqual({ code, failures: 0 });
    }
    expect(statesOf(party.mesh)).toEqual(['closed', 'closed', 'closed']);
    expect(await outcomeOf(party, { code, pushbackMs: 20 })).toEqual({ code, failures: 1 });
  });

  it('B1: counts a passed deadline only if siblings return within half of it', async () => {
    const party = await three('late');
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
    const party = await three('remembered');
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
    const party = await three('own-errors', { retry: { perTryTimeoutMs: 10_000 } });
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
    const { users } = await three('too-large');
    let attempts = 0;
    const call = users.getUser(
      { id: scripted({ bytes: TOO_LARGE }) },
      { onReport: (report) => (attempts = report.attempts.length) },
    );
    expect(await codeOf(call)).toBe(Status.RESOURCE_EXHAUSTED);
    expect(attempts).toBe(1);
  });

  it('counts a response that is torn or reset, and none that cannot be decoded', async () => {
    const { mesh, fails } = await raw('raw-ends');
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
    const { mesh, users } = await three('frozen', { outlierEjection: false });
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

describe('an error of a call', () => {
  const details = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';

  it.each([Status.UNKNOWN, Status.UNAVAILABLE, Status.INTERNAL, Status.RESOURCE_EXHAUSTED])(
    "C1: has the server's message unchanged: %i",
    async (code) => {
      const { users, mesh } = await three(`message-${code}`);
      const script = { name: scripted({ code, details }), id: scripted({ code, details }) };
      const ends = [users.createUser(script), users.getUser(script)].map((call) =>
        expect(call).rejects.toMatchObject({ code, details }),
      );
      await Promise.all(ends);
      const channel = mesh.channel(`message-${code}`, { contract: UserServiceDefinition });
      await expect(
        stubCall(channel, '/user.v1.UserService/GetUser', {}, script.id),
      ).rejects.toMatchObject({ code, details });
    },
  );

  it('C2: has a report that is plain JSON, on a stream too', async () => {
    const service = 'streams';
    const host = await stage.host.serve({
      name: service,
      handleSignals: false,
      settleMs: 50,
      routes: [
        route(StreamServiceDefinition, {
          unary: async () => saying(''),
          async *serverStream() {
            yield saying('first');
            throw new ServerError(Status.UNAVAILABLE, 'as told');
          },
          async clientStream() {
            throw new ServerError(Status.UNKNOWN, 'as told');
          },
          async *bidi() {
            yield saying('first');
            throw resourceExhausted('as told', { reason: 'TOLD' });
          },
        }),
      ],
    });
    stage.defer(() => host.close());
    await host.registered();
    const client = stage.join().client(StreamServiceDefinition, { service });
    const requests = async function* () {
      yield { id: 'x' };
    };
    const calls = [
      () => collected(client.serverStream({ id: 'x' })),
      () => client.clientStream(requests()),
      () => collected(client.bidi(requests())),
    ];
    const names = ['UNAVAILABLE', 'UNKNOWN', 'RESOURCE_EXHAUSTED'];
    for (const [index, call] of calls.entries()) {
      const error = await call().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ details: 'as told' });
      const report = callReport(error);
      expect(report).toMatchObject({
        service,
        status: names[index],
        revision: expect.stringMatching(/^\d+$/),
        attempts: [{ status: names[index], endedBy: 'server' }],
      });
      expect(JSON.parse(JSON.stringify(report))).toMatchObject({ service });
    }
  });
});

describe('an idempotent stream', () => {
  const method = StreamServiceDefinition.methods.serverStream;
  const idempotent = { idempotencyLevel: 'IDEMPOTENT' } as const;
  const definition = {
    ...StreamServiceDefinition,
    methods: { serverStream: { ...method, options: idempotent } },
  };

  it('K7: that is RESOURCE_EXHAUSTED is tried elsewhere only if the server sheds load', async () => {
    const service = 'exhausted-stream';
    const runs: string[] = [];
    const hosts = await Promise.all(
      ['a', 'b', 'c'].map((id) =>
        stage.host.serve({
          name: service,
          id,
          handleSignals: false,
          settleMs: 50,
          routes: [
            route(definition, {
              async *serverStream({ id: pushbackMs }, { trailer }) {
                runs.push(id);
                if (pushbackMs !== '') trailer.set(PUSHBACK_TRAILER, pushbackMs ?? '');
                if (runs.length > 1) yield saying(id);
                throw new ServerError(Status.RESOURCE_EXHAUSTED, 'as told');
              },
            }),
          ],
        }),
      ),
    );
    stage.defer(() => Promise.all(hosts.map((host) => host.close())));
    await Promise.all(hosts.map((host) => host.registered()));
    const client = stage.join().client(definition, { service });
    for (const [pushbackMs, attempts] of [
      ['', 1],
      ['300', 2],
    ] as const) {
      runs.length = 0;
      const stream = collected(client.serverStream({ id: pushbackMs }));
      await expect(stream).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
      expect([pushbackMs, new Set(runs).size, runs.length]).toEqual([
        pushbackMs,
        attempts,
        attempts,
      ]);
    }
  });
});

describe('a unary response', () => {
  it('C12: without a message or with two is UNIMPLEMENTED, whichever way the call is made', async () => {
    const { mesh, users } = await raw('cardinality');
    const channel = mesh.channel('cardinality', { contract: UserServiceDefinition });
    const details = { 'no message': 'No message received', 'two messages': 'Too many responses' };
    for (const how of ['no message', 'two messages'] as const) {
      const error = { code: Status.UNIMPLEMENTED, details: expect.stringContaining(details[how]) };
      await expect(users.createUser({ name: how })).rejects.toMatchObject(error);
      await expect(users.getUser({ id: how })).rejects.toMatchObject(error);
      for (const method of ['CreateUser', 'GetUser']) {
        await expect(
          stubCall(channel, `/user.v1.UserService/${method}`, {}, how),
        ).rejects.toMatchObject(error);
      }
    }
    expect(failuresOf(mesh)).toBe(0);
  });
});

/** A client of one server that ends each call in the way its request names. */
async function raw(service: string) {
  const ok = { ':status': 200, 'content-type': 'application/grpc+proto' };
  const server = await startRawServer((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const how = Buffer.concat(chunks).toString('latin1');
      if (how.includes('reset')) return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      if (how.includes('torn')) {
        stream.respond(ok);
        setImmediate(() => setImmediate(() => stream.session?.socket.destroy()));
        return;
      }
      const messages: Uint8Array[] = [];
      if (how.includes('undecodable')) messages.push(Buffer.from([0xff]));
      else if (!how.includes('no message')) messages.push(NOTHING);
      if (how.includes('two messages')) messages.push(NOTHING);
      stream.respond(ok, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.concat(messages.map((message) => framed(message))));
    });
  });
  stage.defer(() => server.close());
  await stage.list(server.port, { service, id: 'raw' });
  const mesh = stage.join();
  const users = usersOf(mesh, service);
  await eventually(() => users.createUser({ name: 'fine' }));
  const fails = async (name: string, metadata = Metadata()) => {
    let endedBy: string | undefined;
    const onReport = ({ attempts }: CallReport) => {
      endedBy = attempts[0]?.endedBy;
    };
    const code = await codeOf(users.createUser({ name }, { metadata, onReport }));
    return { code, endedBy: endedBy === 'server' ? undefined : endedBy };
  };
  return { mesh, users, fails };
}
