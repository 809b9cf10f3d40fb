import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import { createSilentServer } from '../support/silent-server.ts';
import { tempFolder } from '../support/temp-folder.ts';

const main = join(import.meta.dirname, '..', '..', 'services', 'user', 'src', 'main.ts');

let registry: Registry;
let mesh: Mesh;
const children = new Set<ChildProcess>();
const folder = tempFolder();

beforeAll(async () => {
  registry = await createTestRegistry();
  mesh = createMesh({ registry: registry.address });
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});
afterAll(async () => {
  mesh.close();
  await registry.close();
  folder[Symbol.dispose]();
});

/** A user-service in a process of its own, listed and called once. */
async function startUsers(id: string, environment: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--conditions=weft-source', '--no-warnings', main], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      WEFT_REGISTRY: registry.address,
      WEFT_INSTANCE_ID: id,
      WEFT_DATA_DIR: join(folder.path, id),
      ...environment,
    },
  });
  children.add(child);
  const address = await eventually(
    async () => {
      const { instances } = await mesh.discover('user-service');
      const found = instances.find((instance) => instance.id === id);
      expect(found).toBeDefined();
      return found?.address;
    },
    { withinMs: 20_000 },
  );
  expect(address).toBeDefined();
  return child;
}

/** @returns the exit code, and how long the process took to exit after SIGTERM, in ms */
async function terminate(child: ChildProcess): Promise<{ code: number | null; tookMs: number }> {
  const exit = once(child, 'exit');
  const askedAt = performance.now();
  child.kill('SIGTERM');
  const [code] = await exit;
  return { code, tookMs: performance.now() - askedAt };
}

/** What a collector of traces may be like, by the variables that lead a service to it. */
async function collectors(
  cleanup: AsyncDisposableStack,
): Promise<Record<string, NodeJS.ProcessEnv>> {
  const silent = await createSilentServer();
  cleanup.defer(() => silent.close());
  const failing = createServer((_, response) => response.writeHead(503).end());
  await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve));
  cleanup.defer(async () => {
    failing.closeAllConnections();
    await new Promise((resolve) => failing.close(resolve));
  });
  const { port } = failing.address() as { port: number };
  const at = (address: string, protocol: string) => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  });
  return {
    silent: at(silent.address, 'http/protobuf'),
    'silent-grpc': at(silent.address, 'grpc'),
    refusing: at('127.0.0.1:1', 'http/protobuf'),
    failing: at(`127.0.0.1:${port}`, 'http/json'),
  };
}

describe('a service that stops', () => {
  it('exits with 0 within 3 s, whether or not the collector of its traces answers', async () => {
    await using cleanup = new AsyncDisposableStack();
    const started = await Promise.all(
      Object.entries(await collectors(cleanup)).map(
        async ([name, environment]) => [name, await startUsers(name, environment)] as const,
      ),
    );
    const users = mesh.client(UserServiceDefinition);
    // Each instance has spans to deliver.
    for (let call = 0; call < 4 * started.length; call += 1) await users.listUsers({});
    const exits = await Promise.all(
      started.map(async ([name, child]) => ({ name, ...(await terminate(child)) })),
    );
    for (const exit of exits) {
      expect(exit).toEqual({ name: exit.name, code: 0, tookMs: expect.any(Number) });
      expect([exit.name, exit.tookMs < 3000 || exit.tookMs]).toEqual([exit.name, true]);
    }
  });
});
