import { join } from 'node:path';
import { createTestEtcd, type TestEtcd } from './etcd.ts';
import { processesOf, type SupervisedProcess } from './mesh-status.ts';
import { createRegistryClient } from './registry.ts';
import { tempFolder } from './temp-folder.ts';
import { meshStateOf, startWeft, type WeftProcess, writeWeftYaml } from './weft-process.ts';

const repository = join(import.meta.dirname, '..', '..');

/** One instance as etcd holds it. */
export interface StoredInstance {
  readonly key: string;
  readonly id: string;
  readonly service: string;
  /** `host:port`. */
  readonly address: string;
}

/** The shop of the demonstration, two processes of each service, run by `weft up` on an etcd of its own. */
export interface ShopMesh {
  /** Address of the registry. */
  readonly registry: string;
  readonly etcd: TestEtcd;
  readonly up: WeftProcess;
  /** Folder of its weft.yaml. */
  readonly folder: string;
  /** The instances etcd holds, of one service or all. */
  stored(service?: string): Promise<StoredInstance[]>;
  /** The instances the registry lists. */
  listed(): Promise<{ id: string; service: string; stale: boolean }[]>;
  /** The processes of one service, or of all and the registry, as `weft status` tells them. */
  processes(service?: string): Promise<SupervisedProcess[]>;
  /** Ctrl-C; resolves with the keys left in etcd and the exit code of `weft up`. */
  stop(): Promise<{ code: number | null; keysLeft: string[] }>;
  /** Ends and removes everything, whatever went wrong before. */
  close(): Promise<void>;
}

function service(name: string, dependencies: string[], environment: Record<string, string> = {}) {
  const main = join(repository, 'services', name, 'src', 'main.ts');
  return {
    command: ['node', '--conditions=weft-source', main],
    instances: 2,
    dependencies,
    environment,
  };
}

const prefix = '/weft/v1/services/';

async function storedIn(etcd: TestEtcd, of?: string): Promise<StoredInstance[]> {
  const text = await etcd.ctl('get', '--prefix', of === undefined ? prefix : `${prefix}${of}/`);
  const lines = text.split('\n').filter((line) => line !== '');
  return Array.from({ length: lines.length / 2 }, (_, index) => {
    const key = lines[2 * index] ?? '';
    const value: { id: string; service: string; address: { host: string; port: number } } =
      JSON.parse(lines[2 * index + 1] ?? '');
    const { host, port } = value.address;
    return { key, id: value.id, service: value.service, address: `${host}:${port}` };
  });
}

/** Starts it and waits until it is up. */
export async function startShopMesh({ paymentProcessingMs = 50 } = {}): Promise<ShopMesh> {
  const folder = tempFolder('weft-shop-');
  const etcd = await createTestEtcd();
  writeWeftYaml(folder.path, {
    registry: { port: 0 },
    services: {
      'user-service': service('user', []),
      'order-service': service('order', ['user-service']),
      'payment-service': service('payment', ['order-service'], {
        PAYMENT_PROCESSING_MS: String(paymentProcessingMs),
      }),
    },
  });
  const up = startWeft(['up'], { folder: folder.path, env: { ETCD_ENDPOINTS: etcd.endpoint } });
  const close = async () => {
    up.signal('SIGTERM');
    const force = setTimeout(() => up.signal('SIGKILL'), 20_000);
    await up.exited;
    clearTimeout(force);
    await etcd.close();
    folder[Symbol.dispose]();
  };
  try {
    await up.waitFor(/The mesh is up/, 30_000);
  } catch (error) {
    await close();
    throw error;
  }
  const { registry } = meshStateOf(folder.path);
  return {
    registry,
    etcd,
    up,
    folder: folder.path,
    stored: (of) => storedIn(etcd, of),
    async listed() {
      const { client, close: closeClient } = createRegistryClient(registry);
      try {
        const { instances, stale } = await client.listInstances({});
        return instances.map(({ id, service: name }) => ({ id, service: name, stale }));
      } finally {
        closeClient();
      }
    },
    processes: (of) => processesOf(folder.path, of),
    async stop() {
      up.signal('SIGINT');
      const { code } = await up.exited;
      return { code, keysLeft: (await storedIn(etcd)).map(({ key }) => key) };
    },
    close,
  };
}
