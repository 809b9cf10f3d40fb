import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import { serveEcho } from '../../support/echo-service.ts';
import { createTestEtcd } from '../../support/etcd.ts';
import { createTestRegistry } from '../../support/registry.ts';
import { stubCall } from '../../support/stub-call.ts';
import { describeWith } from '../../support/tools.ts';
import { runWeftHere } from '../../support/weft-here.ts';

const variables = ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_grpc_proxy', 'no_proxy'];
const before = variables.map((name) => [name, process.env[name]] as const);

describeWith(['etcd'], 'with an HTTP proxy in the environment', () => {
  const cleanup: (() => unknown)[] = [];

  afterEach(async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });

  /** A proxy that closes every connection. Answers how many came. */
  async function startProxy(): Promise<{ url: string; connections: () => number }> {
    let count = 0;
    const server = createServer((socket) => {
      count += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanup.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, connections: () => count };
  }

  it.each(['grpc_proxy', 'https_proxy', 'http_proxy'])(
    'all of the mesh connects straight, whatever $%s says',
    async (variable) => {
      const etcd = await createTestEtcd();
      cleanup.push(() => etcd.close());
      const proxy = await startProxy();
      process.env[variable] = proxy.url;
      process.env.no_proxy = 'localhost,127.0.0.2';

      const registry = await createTestRegistry({ etcd: etcd.endpoint });
      cleanup.push(() => registry.close());
      const mesh = createMesh({ registry: registry.address });
      cleanup.push(() => mesh.close());
      const { host } = await serveEcho(mesh, 'a', { name: 'echo', healthCheck: true, settleMs: 0 });
      cleanup.push(() => host.close());
      await host.registered();

      const users = mesh.client(UserServiceDefinition, { service: 'echo' });
      expect(await users.getUser({ id: 'x' })).toMatchObject({ user: { name: 'a' } });
      const viaStub = stubCall(mesh.channel('echo'), '/user.v1.UserService/GetUser');
      expect(await viaStub).toMatchObject({ user: { name: 'a' } });
      const words = ['call', '--registry', registry.address, 'echo', 'GetUser', '{"id": "x"}'];
      expect(await runWeftHere(words)).toMatchObject({ code: 0 });
      expect(proxy.connections()).toBe(0);
    },
  );
});
