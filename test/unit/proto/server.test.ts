import { describe, expect, it } from '@jest/globals';
import { GrpcServer, notFound, route, ServingStatus } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { UserServiceDefinition } from '@weft/proto/user';
import { createChannel, createClient } from 'nice-grpc';

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
});
