import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { GrpcServer, notFound, route, ServingStatus, silentLog } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { UserServiceDefinition } from '@weft/proto/user';
import { createChannel, createClient, Status } from 'nice-grpc';
import { collected, StreamServiceDefinition } from '../../support/stream-service.ts';

const unused = async () => {
  throw new Error('secret detail');
};

describe('GrpcServer', () => {
  it('answers health, reports statuses with details and hides unexpected errors', async () => {
    const server = new GrpcServer({
      routes: [
        route(UserServiceDefinition, {
          createUser: unused,
          listUsers: unused,
          getUser: async ({ id }) => {
            throw notFound('user', id);
          },
        }),
      ],
    });
    const port = await server.listen('127.0.0.1:0');
    const channel = createChannel(`127.0.0.1:${port}`);
    try {
      const health = createClient(HealthDefinition, channel);
      expect((await health.check({})).status).toBe(ServingStatus.NOT_SERVING);
      const users = createClient(UserServiceDefinition, channel);
      await expect(users.getUser({ id: 'x' })).rejects.toThrow(
        /NOT_FOUND: user 'x' does not exist/,
      );
      const failure = await users.createUser({}).catch((error: Error) => error.message);
      expect(failure).toMatch(/INTERNAL/);
      expect(failure).not.toMatch(/secret/);
      expect(import.meta.dirname).toMatch(/test\/unit\/proto$/);
    } finally {
      channel.close();
      expect(await server.close(1000)).toBe(true);
    }
  });

  it('C10: says why a response cannot be encoded, to the caller and in the log', async () => {
    const error = jest.fn();
    const log = { ...silentLog, error };
    const broken = { id: '', name: '', email: '', createTime: 'yesterday' as never };
    const server = new GrpcServer({
      log,
      routes: [
        route(UserServiceDefinition, {
          createUser: unused,
          listUsers: async () => ({ users: [broken], nextPageToken: '' }),
          getUser: async () => ({ user: broken }),
        }),
        route(StreamServiceDefinition, {
          unary: async () => ({}),
          clientStream: async () => ({}),
          bidi: unused as never,
          async *serverStream() {
            yield {};
            yield { user: broken };
          },
        }),
      ],
    });
    const channel = createChannel(`127.0.0.1:${await server.listen('127.0.0.1:0')}`);
    try {
      const users = createClient(UserServiceDefinition, channel);
      const streams = createClient(StreamServiceDefinition, channel);
      const calls = {
        '/user.v1.UserService/GetUser': () => users.getUser({ id: 'x' }),
        '/user.v1.UserService/ListUsers': () => users.listUsers({}),
        '/test.v1.StreamService/ServerStream': () => collected(streams.serverStream({})),
      };
      for (const [method, call] of Object.entries(calls)) {
        await expect(call()).rejects.toMatchObject({
          code: Status.INTERNAL,
          details: expect.stringMatching(`the response of ${method} cannot be encoded: .`),
        });
        const logged = { err: expect.any(Error), method };
        expect(error).toHaveBeenLastCalledWith(logged, 'a response cannot be encoded');
      }
    } finally {
      channel.close();
      await server.close(1000);
    }
  });

  it('F29: cuts off and logs a call that hangs when the grace is over, and its handler learns it', async () => {
    const cutOff = Promise.withResolvers<void>();
    const warnings: unknown[] = [];
    const server = new GrpcServer({
      log: { ...silentLog, warn: (fields: object) => void warnings.push(fields) },
      routes: [
        route(UserServiceDefinition, {
          createUser: unused,
          listUsers: unused,
          async getUser(_, { signal }) {
            signal.addEventListener('abort', () => cutOff.resolve());
            await cutOff.promise;
            return {};
          },
        }),
      ],
    });
    const channel = createChannel(`127.0.0.1:${await server.listen('127.0.0.1:0')}`);
    try {
      const call = createClient(UserServiceDefinition, channel).getUser({ id: 'x' });
      const outcome = call.catch((error: Error) => error.message);
      while (server.inFlight === 0) await setImmediate();
      expect(await server.close(50)).toBe(false);
      expect(await outcome).toMatch(/UNAVAILABLE|CANCELLED|INTERNAL/);
      await cutOff.promise;
      expect(warnings).toEqual([{ calls: { '/user.v1.UserService/GetUser': 1 }, graceMs: 50 }]);
    } finally {
      channel.close();
    }
    // Well before keepalive would end the connection.
  }, 5000);
});
