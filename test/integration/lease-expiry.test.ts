import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWith } from '../support/tools.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

const PROGRAM = join(import.meta.dirname, '../fixtures/stub-service.ts');
/** As the stub registers. */
const TTL_MS = 2000;

describeWith(['etcd', 'etcdctl'], 'a service process that no one supervises', () => {
  let cleanup: AsyncDisposableStack;
  let etcd: TestEtcd;

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    etcd = await createTestEtcd();
    cleanup.defer(() => etcd.close());
  });
  afterEach(() => cleanup.disposeAsync());

  function start(registry: string): ChildProcess {
    const folder = tempFolder('weft-expiry-');
    cleanup.defer(() => folder[Symbol.dispose]());
    const child = spawn(process.execPath, ['--conditions=weft-source', PROGRAM, 'stub'], {
      cwd: folder.path,
      env: { ...process.env, WEFT_REGISTRY: registry, WEFT_INSTANCE_ID: 'one' },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    cleanup.defer(async () => {
      child.kill('SIGKILL');
      await exited;
    });
    return child;
  }

  it('F1: is gone by TTL + 1 s after kill -9, from etcd and from every watch', async () => {
    const registry = await createTestRegistry({ etcd: etcd.endpoint });
    cleanup.defer(() => registry.close());
    const { client, close } = createRegistryClient(registry.address);
    cleanup.defer(close);
    const watch = new WatchRecorder(client);
    cleanup.defer(() => watch.stop());
    const child = start(registry.address);
    await eventually(() => expect(watch.ids).toEqual(['one']), { withinMs: 20_000 });
    // It lives on its renewals: past the TTL it is still there.
    await new Promise((resolve) => setTimeout(resolve, TTL_MS + 500));
    expect(watch.ids).toEqual(['one']);
    child.kill('SIGKILL');
    const killedAt = performance.now();
    await eventually(() => expect(watch.ids).toEqual([]), { withinMs: TTL_MS + 3000 });
    expect(await etcd.ctl('get', '--prefix', '/weft/v1/services/')).toBe('');
    const goneAfterMs = performance.now() - killedAt;
    // That of the registry.
    expect(await etcd.ctl('lease', 'list')).toMatch(/found 1 leases/);
    expect(goneAfterMs).toBeGreaterThan(500);
    expect(goneAfterMs).toBeLessThan(TTL_MS + 1000);
  });
});
