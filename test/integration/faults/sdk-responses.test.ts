import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { callReport, Status } from '@weft/client-sdk';
import { PUSHBACK_TRAILER, resourceExhausted, route } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { ServerError } from 'nice-grpc-common';
import { failuresOf, rawService, threeScripted } from '../../support/scripted-mesh.ts';
import { scripted } from '../../support/scripted-service.ts';
import { collected, StreamServiceDefinition, saying } from '../../support/stream-service.ts';
import { stubCall } from '../../support/stub-call.ts';
import { TestMesh } from '../../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

describe('an error of a call', () => {
  const details = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';

  it.each([Status.UNKNOWN, Status.UNAVAILABLE, Status.INTERNAL, Status.RESOURCE_EXHAUSTED])(
    "C1: has the server's message unchanged: %i",
    async (code) => {
      const { users, mesh } = await threeScripted(stage, `message-${code}`);
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
    const { mesh, users } = await rawService(stage, 'cardinality');
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
