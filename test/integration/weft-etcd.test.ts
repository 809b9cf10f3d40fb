import { mkdirSync, rmdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { EtcdStore } from '@weft/registry';
import { type ClusterLayout, readLayout } from '../../orchestrator/src/etcd/cluster-layout.ts';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { isAlive } from '../../orchestrator/src/process/process-identity.ts';
import { etcdctl } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWith } from '../support/tools.ts';
import { runWeftHere } from '../support/weft-here.ts';
import { startWeft, type WeftProcess } from '../support/weft-process.ts';

/** Each starts four processes, one of them again. */
const PATIENCE_MS = 90_000;

describeWith(['etcd', 'etcdctl'], 'weft etcd up', () => {
  let folder: ReturnType<typeof tempFolder>;
  let running: WeftProcess[];
  let cleanup: AsyncDisposableStack;

  beforeEach(() => {
    folder = tempFolder();
    running = [];
    cleanup = new AsyncDisposableStack();
  });
  afterEach(async () => {
    await cleanup.disposeAsync();
    for (const weft of running) {
      weft.signal('SIGTERM');
      await weft.exited;
    }
    // Also those that a killed weft left.
    for (const { pid } of layout()?.processes.filter(isAlive) ?? []) process.kill(-pid, 'SIGKILL');
    folder[Symbol.dispose]();
  });

  function start(...words: string[]): WeftProcess {
    const weft = startWeft(['etcd', 'up', ...words], { folder: folder.path });
    running.push(weft);
    return weft;
  }

  /** Runs one that does not come up. */
  const fail = (...words: string[]) =>
    runWeftHere(['etcd', 'up', '--data-dir', dataDir(), ...words]);

  const dataDir = () => join(folder.path, '.weft', 'etcd-cluster');

  async function endpointsOf(weft: WeftProcess): Promise<string[]> {
    await weft.waitFor(/^ETCD_ENDPOINTS=/m, 30_000);
    const [, endpoints = ''] = /^ETCD_ENDPOINTS=(.*)$/m.exec(weft.output()) ?? [];
    return endpoints.split(',');
  }

  function layout(): ClusterLayout | undefined {
    return readLayout(join(dataDir(), 'cluster.json'));
  }

  it(
    'F16: runs three members, of which one may be killed; the registry goes on',
    async () => {
      const weft = start();
      const endpoints = await endpointsOf(weft);
      expect(endpoints).toHaveLength(3);
      const members = await etcdctl(endpoints, 'member', 'list');
      expect(members.trim().split('\n')).toHaveLength(3);

      const registry = await createTestRegistry({ store: new EtcdStore({ endpoints }) });
      cleanup.defer(() => registry.close());
      const { client, close } = createRegistryClient(registry.address);
      cleanup.defer(close);
      const list = (id: string) =>
        client.register({
          instance: { service: 'user', id, address: { host: '127.0.0.1', port: 5000 } },
          skipCallback: true,
        });
      await list('before');
      const killed = layout()?.processes.find(({ name }) => name === 'node-2');
      process.kill(killed?.pid ?? 0, 'SIGKILL');
      await eventually(() => list('after'), { withinMs: 15_000 });
      await weft.waitFor(/node-2.*signal SIGKILL/);
      // It comes back by itself, and the whole is healthy.
      await eventually(
        async () => {
          const status = await etcdctl(endpoints, 'endpoint', 'status');
          expect(status.trim().split('\n')).toHaveLength(3);
        },
        { withinMs: 20_000, everyMs: 200 },
      );
      expect(registry.store.catalog.size).toBe(2);
      const processes = layout()?.processes ?? [];
      expect(processes).toHaveLength(3);
      weft.signal('SIGHUP');
      expect((await weft.exited).code).toBe(0);
      expect(processes.filter(isAlive)).toEqual([]);
    },
    PATIENCE_MS,
  );

  it(
    'begins where it ended, on the same ports; ends what a killed one left',
    async () => {
      const port = await freePort('127.0.0.1');
      const first = start('--nodes', '1', '--client-port', `${port}`);
      expect(await endpointsOf(first)).toEqual([`127.0.0.1:${port}`]);
      await etcdctl([`127.0.0.1:${port}`], 'put', 'kept', 'yes');
      const [left] = layout()?.processes ?? [];
      first.signal('SIGKILL');
      await first.exited;
      expect(left && isAlive(left)).toBe(true);

      const second = start('--nodes', '1');
      expect(await endpointsOf(second)).toEqual([`127.0.0.1:${port}`]);
      expect(second.output()).toMatch(/ended what an earlier run left: node-1/);
      expect(left && isAlive(left)).toBe(false);
      expect(await etcdctl([`127.0.0.1:${port}`], 'get', 'kept')).toBe('kept\nyes\n');

      const { code, stderr } = await fail();
      expect(code).toBe(1);
      expect(stderr).toMatch(/is up already; choose another --data-dir/);
      second.signal('SIGTERM');
      await second.exited;

      const larger = await fail('--nodes', '3');
      expect(larger.code).toBe(1);
      expect(larger.stderr).toMatch(/holds the data of 1 nodes.*start it with --nodes 1/);
    },
    PATIENCE_MS,
  );

  it('says which port is taken, and starts nothing', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const { code, stderr } = await fail('--nodes', '1', '--client-port', `${port}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`node-1 cannot listen on 127.0.0.1:${port} \\(EADDRINUSE`));
    expect(layout()).toBeUndefined();
    await new Promise((resolve) => holder.close(resolve));
  });

  it('refuses a number of nodes that cannot outvote', async () => {
    const { code, stderr } = await fail('--nodes', '2');
    expect(code).toBe(2);
    expect(stderr).toMatch(/--nodes.*1, 3, 5/);
  });

  it(
    'goes on when it cannot write which members run, and ends a member that it cannot record',
    async () => {
      const weft = start('--nodes', '1');
      await endpointsOf(weft);
      const [before] = layout()?.processes ?? [];
      // The draft of the file cannot be written where a folder stands.
      const obstacle = join(dataDir(), 'cluster.json.new');
      mkdirSync(obstacle);
      process.kill(before?.pid ?? 0, 'SIGKILL');
      await weft.waitFor(/cannot write .*cluster\.json: EISDIR/);
      await weft.waitFor(/node-1 was ended \(could not be recorded/);
      rmdirSync(obstacle);
      await weft.waitFor(/cluster\.json is written again/);
      await weft.waitFor(/(node-1 runs at[\s\S]*){2}/);
      await eventually(() => {
        const [after] = layout()?.processes ?? [];
        expect(after && isAlive(after)).toBe(true);
        expect(after?.pid).not.toBe(before?.pid);
      });
    },
    PATIENCE_MS,
  );
});
