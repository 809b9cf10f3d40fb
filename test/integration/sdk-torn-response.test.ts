import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh, Status } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { startTornServer, type Tear } from '../support/torn-server.ts';

let registry: Registry;
let host: Mesh;

beforeAll(async () => {
  registry = await createTestRegistry();
  host = createMesh({ registry: registry.address });
});

afterAll(async () => {
  host.close();
  await registry.close();
});

describe.each<Tear>(['after headers', 'after message'])('a response torn %s', (tear) => {
  const service = tear.replace(' ', '-');

  it('fails no idempotent call, and is no answer to another', async () => {
    const good = await serveEcho(host, 'good', { name: service });
    const torn = await startTornServer(tear);
    const admin = createRegistryClient(registry.address);
    const caller = createMesh({ registry: registry.address });
    try {
      await good.host.registered();
      await admin.client.register({
        instance: { service, id: 'torn', address: { host: '127.0.0.1', port: torn.port } },
        ttlSeconds: 60,
      });
      const users = caller.client(UserServiceDefinition, { service });
      // The torn server breaks its connection each time, so it has to be met again and again.
      const end = performance.now() + 10_000;
      while (torn.calls < 4 && performance.now() < end) {
        expect((await users.getUser({ id: 'x' })).user?.name).toBe('good');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(torn.calls).toBe(4);
      const errors: unknown[] = [];
      await eventually(async () => {
        await users.createUser({ name: 'x' }).catch((error: unknown) => errors.push(error));
        expect(errors).toHaveLength(1);
      });
      expect(errors[0]).toMatchObject({ code: Status.UNAVAILABLE });
    } finally {
      caller.close();
      admin.close();
      await good.host.close();
      await torn.close();
    }
  });
});
