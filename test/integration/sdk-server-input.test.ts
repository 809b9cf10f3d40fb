import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { GetUserRequest, UserServiceDefinition } from '@weft/proto/user';
import { createChannel, createClient } from 'nice-grpc';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { itWithstandsWrongBytes } from '../support/wire-input.ts';

describe('what reaches a service', () => {
  let mesh: Mesh;
  let echo: EchoInstance;

  beforeAll(async () => {
    // A registry that is not there: a service starts and answers all the same.
    mesh = createMesh({ registry: '127.0.0.1:1' });
    // On a busy machine it would refuse calls for load instead of for what they are.
    echo = await serveEcho(mesh, 'a', { shedding: false });
    echo.behaviour.delayMs = 20;
  });

  afterAll(async () => {
    await echo.host.close();
    mesh.close();
  });

  itWithstandsWrongBytes(() => ({
    address: echo.host.address,
    path: '/user.v1.UserService/GetUser',
    request: GetUserRequest.encode({ id: 'x' }).finish(),
    calls: () => echo.calls,
    async assertAlive() {
      const channel = createChannel(echo.host.address);
      const { user } = await createClient(UserServiceDefinition, channel).getUser({ id: 'alive' });
      channel.close();
      expect(user?.name).toBe('a');
    },
  }));
});
