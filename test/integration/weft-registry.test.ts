import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { InstanceStatus, InstanceType } from '@weft/proto/registry';
import type { Registry } from '@weft/registry';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { runWeftHere } from '../support/weft-here.ts';

describe('weft registry export and import', () => {
  const folder = tempFolder();
  const file = join(folder.path, 'mesh.json');
  let from: Registry;
  let into: Registry;
  let source: ReturnType<typeof createRegistryClient>;

  beforeAll(async () => {
    from = await createTestRegistry();
    source = createRegistryClient(from.address);
    const address = { host: '127.0.0.1', port: 5000 };
    await source.client.register({
      instance: {
        service: 'user',
        id: 'a',
        address,
        type: InstanceType.INSTANCE_TYPE_WORKER,
        version: '1.2.3',
        weight: 0,
        metadata: new Map([['__proto__', 'kept']]),
        dependencies: ['order'],
        startTime: new Date('2026-01-02T03:04:05.678Z'),
        status: InstanceStatus.INSTANCE_STATUS_STOPPING,
        incarnation: 'run 1',
      },
      ttlSeconds: 600,
      skipCallback: true,
    });
    await source.client.register({
      instance: { service: 'order', id: 'b', address },
      ttlSeconds: 60,
      skipCallback: true,
    });
  });
  beforeEach(async () => {
    into = await createTestRegistry();
  });
  afterEach(() => into.close());
  afterAll(async () => {
    source.close();
    await from.close();
    folder[Symbol.dispose]();
  });

  const weft = (...words: string[]) => runWeftHere(['registry', ...words]);
  const exported = () => JSON.parse(readFileSync(file, 'utf8'));

  it('move every instance as it is, at one revision', async () => {
    const written = await weft('export', file, '--registry', from.address);
    expect(written).toMatchObject({ code: 0, stderr: '' });
    const { revision } = from.store.catalog;
    expect(written.stdout).toBe(`exported 2 instances at revision ${revision} to ${file}\n`);
    const { format, revision: told, stale, instances } = exported();
    expect([format, told, stale]).toEqual(['weft.registry.v1', `${revision}`, false]);
    expect(instances).toHaveLength(2);
    expect(instances[1]).toMatchObject({ id: 'a', status: 'INSTANCE_STATUS_STOPPING', weight: 0 });

    const read = await weft('import', file, '--registry', into.address);
    expect(read).toMatchObject({ code: 0, stdout: 'imported 2 of 2 instances\n', stderr: '' });
    for (const service of ['user', 'order']) {
      const [before] = from.store.catalog.instances(service);
      const [after] = into.store.catalog.instances(service);
      const { leaseId, createRevision, modRevision, ...same } = after ?? {};
      expect(before).toMatchObject(same);
      expect(leaseId).not.toBe(before?.leaseId);
    }
  });

  it('print JSON on standard output, and one answer per instance', async () => {
    const { stdout } = await weft('export', '--registry', from.address);
    const document = JSON.parse(stdout);
    document.instances[0].address.host = '0.0.0.0';
    writeFileSync(file, JSON.stringify(document));
    const {
      code,
      stdout: told,
      stderr,
    } = await weft(...['import', file, '--json', '--registry', into.address]);
    expect(code).toBe(1);
    expect(stderr).toBe('weft: 1 of 2 instances were refused\n');
    const message = expect.stringContaining('instance.address.host');
    expect(JSON.parse(told)).toEqual({
      imported: [{ service: 'user', id: 'a', ttlSeconds: 600 }],
      kept: [],
      refused: [{ service: 'order', id: 'b', code: 'INVALID_ARGUMENT', message }],
    });
    expect(into.store.catalog.size).toBe(1);
  });

  it('leave who is listed as it is, unless told to replace it', async () => {
    await weft('export', file, '--registry', from.address);
    const document = exported();
    for (const instance of document.instances) instance.address.port = 9;
    writeFileSync(file, JSON.stringify(document));
    const ports = () =>
      ['user', 'order'].map((name) => from.store.catalog.instances(name)[0]?.address?.port);
    const { code, stdout } = await weft('import', file, '--registry', from.address);
    expect(code).toBe(0);
    expect(stdout).toBe(
      'imported 0 of 2 instances\nleft 2 as they are, which are listed already; --replace overwrites them\n',
    );
    expect(ports()).toEqual([5000, 5000]);
    await weft('import', file, '--replace', '--registry', from.address);
    expect(ports()).toEqual([9, 9]);
  });

  it('leave a live owner its instance: it takes the lease over', async () => {
    const mesh = createMesh({ registry: from.address });
    const { host } = await serveEcho(mesh, 'live', { name: 'echo', ttlSeconds: 2 });
    await host.registered();
    await weft('export', file, '--registry', from.address);
    const [before] = from.store.catalog.instances('echo');
    // Another registry at the same address, that has only what is imported.
    await from.close();
    from = await createTestRegistry({ port: Number(from.address.split(':')[1]) });
    await weft('import', file, '--registry', from.address);
    await eventually(
      () => {
        const [after] = from.store.catalog.instances('echo');
        expect(after?.incarnation).toBe(before?.incarnation);
        expect(after?.leaseId).not.toBe(before?.leaseId);
      },
      { withinMs: 5000 },
    );
    // Longer than its time to live: it is kept alive by whom it belongs to.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(from.store.catalog.instances('echo')).toHaveLength(1);
    await host.close();
    mesh.close();
  });

  it.each([
    ['no JSON', 'x', /is not JSON/],
    ['another document', '{"instances": []}', /is no export of a registry: it needs "format"/],
    [
      'an instance that is none',
      '{"format": "weft.registry.v1", "instances": [{"id": 5}]}',
      /instances\[0\]: .*id/,
    ],
  ])('refuse %s before anything is written', async (_, text, message) => {
    writeFileSync(file, text);
    const { code, stderr } = await weft('import', file, '--registry', into.address);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(into.store.catalog.size).toBe(0);
  });

  it('say that no registry answers', async () => {
    const { code, stderr } = await weft('export', '--registry', '127.0.0.1:1');
    expect(code).toBe(1);
    expect(stderr).toMatch(/the registry cannot be read: .*127\.0\.0\.1:1/);
  });
});
