import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServingStatus } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { OrchestratorServiceDefinition } from '@weft/proto/orchestrator';
import { createChannel, createClient, Metadata } from 'nice-grpc';
import { createTestEtcd } from '../support/etcd.ts';
import { processesOf } from '../support/mesh-status.ts';
import { failureOf } from '../support/services.ts';
import { tempFolder } from '../support/temp-folder.ts';
import {
  meshStateOf,
  runWeft,
  startWeft,
  stubCommand,
  type WeftProcess,
  writeWeftYaml,
} from '../support/weft-process.ts';

const cleanup = new AsyncDisposableStack();
const folder = cleanup.use(tempFolder('weft-secrets-')).path;
let up: WeftProcess;

beforeAll(async () => {
  const etcd = await createTestEtcd();
  cleanup.defer(() => etcd.close());
  writeWeftYaml(folder, {
    registry: { port: 0 },
    services: {
      shop: { command: stubCommand('shop') },
      told: { command: stubCommand('told'), environment: { ETCD_USER: 'own' } },
    },
  });
  const env = {
    ETCD_ENDPOINTS: etcd.endpoint,
    ETCD_PASSWORD: 'secret',
    ETCDCTL_PASSWORD: 'secret too',
  };
  up = startWeft(['up'], { folder, env });
  cleanup.defer(async () => {
    up.signal('SIGTERM');
    await up.exited;
  });
  await up.waitFor(/The mesh is up/, 30_000);
}, 60_000);
afterAll(() => cleanup.disposeAsync());

async function etcdVariables(service: string): Promise<string[]> {
  const [found] = await processesOf(folder, service);
  const environment = readFileSync(`/proc/${found?.pid}/environ`, 'utf8').split('\0');
  return environment.filter((variable) => variable.startsWith('ETCD')).sort();
}

describe('what a mesh keeps to itself', () => {
  it('is how to get into etcd: only the registry has it in its environment', async () => {
    expect(await etcdVariables('shop')).toEqual([]);
    expect(await etcdVariables('told')).toEqual(['ETCD_USER=own']);
    expect(await etcdVariables('registry')).toEqual(['ETCD_PASSWORD=secret']);
  });

  it('is all below its folder: no other user of the machine can read or write there', () => {
    const path = join(folder, '.weft');
    const entries = readdirSync(path, { recursive: true, encoding: 'utf8' });
    expect(entries).toContain('state.json');
    expect(entries).toContain(join('logs', 'shop-1.log'));
    const open = ['.', ...entries].filter((entry) => {
      const { mode } = statSync(join(path, entry));
      return (mode & 0o077) !== 0;
    });
    expect(open).toEqual([]);
  });

  it('is its control port: who cannot read the state file can change nothing', async () => {
    const channel = createChannel(meshStateOf(folder).control);
    try {
      const client = createClient(OrchestratorServiceDefinition, channel);
      const wrong = { metadata: Metadata({ authorization: 'Bearer 0123456789abcdef' }) };
      for (const options of [{}, wrong]) {
        for (const call of [client.stop({}, options), client.getStatus({}, options)]) {
          expect((await failureOf(call)).code).toBe('UNAUTHENTICATED');
        }
      }
      const health = createClient(HealthDefinition, channel);
      expect((await health.check({})).status).not.toBe(ServingStatus.UNRECOGNIZED);
    } finally {
      channel.close();
    }
    expect(await processesOf(folder, 'shop')).toMatchObject([{ healthy: true }]);
    expect((await runWeft(['scale', 'shop=2'], { folder })).code).toBe(0);
  });
});
