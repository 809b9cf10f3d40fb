import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { loadProgram, type PackedLoad, startLoad } from '../support/packed-load.ts';
import { createPackedProject, type PackedProject } from '../support/packed-sdk.ts';
import { type ShopMesh, startShopMesh } from '../support/shop-mesh.ts';
import { describeWith } from '../support/tools.ts';

/** Of the services' leases: the default. */
const TTL_MS = 10_000;

describeWith(['etcd', 'etcdctl'], 'a mesh under faults and 100 calls/s of the packed SDK', () => {
  let shop: ShopMesh;
  let project: PackedProject;
  let load: PackedLoad | undefined;

  beforeAll(async () => {
    const starting = startShopMesh().then((started) => {
      shop = started;
    });
    project = await createPackedProject({ 'load.ts': loadProgram });
    await project.compile();
    await starting;
  }, 120_000);

  afterAll(async () => {
    await load?.stop();
    project?.[Symbol.dispose]();
    await shop?.close();
  }, 60_000);

  it('fails no call when an instance is killed, and has it back registered anew', async () => {
    load = await startLoad(project, shop.registry, 100);
    await sleep(2000);
    const [victim] = await shop.processes('user-service');
    const keyOfVictim = `/weft/v1/services/user-service/${victim?.instanceId}`;
    expect((await shop.stored()).map(({ key }) => key)).toContain(keyOfVictim);

    process.kill(victim?.pid ?? 0, 'SIGKILL');
    await eventually(
      async () => expect((await shop.stored()).map(({ key }) => key)).not.toContain(keyOfVictim),
      { withinMs: TTL_MS + 1000, everyMs: 200 },
    );
    await eventually(
      async () => {
        const back = (await shop.processes('user-service')).find(({ restarts }) => restarts === 1);
        expect(back).toMatchObject({ state: 'PROCESS_STATE_RUNNING' });
        expect(back?.instanceId).not.toBe(victim?.instanceId);
        const ids = (await shop.stored('user-service')).map(({ id }) => id);
        expect(ids).toHaveLength(2);
        expect(ids).toContain(back?.instanceId);
      },
      { withinMs: 20_000, everyMs: 200 },
    );
    await sleep(1000);
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.calls).toBeGreaterThan(300);
    expect(report.answered).toBe(report.calls);
  }, 60_000);

  it('fails no call while etcd is away for 30 s, and is registered again after', async () => {
    const before = await shop.stored();
    const processes = await shop.processes();
    load = await startLoad(project, shop.registry, 100);
    await sleep(1000);
    await shop.etcd.stop();
    await sleep(15_000);
    const listed = await shop.listed();
    expect(listed.filter(({ stale }) => stale)).toHaveLength(6);
    await sleep(15_000);
    await shop.etcd.start();

    await sleep(TTL_MS + 5000);
    const leases = (await shop.etcd.ctl('lease', 'list')).trim().split('\n');
    expect(leases[0]).toBe('found 7 leases');
    expect((await shop.stored()).map(({ key }) => key)).toEqual(before.map(({ key }) => key));
    expect((await shop.listed()).filter(({ stale }) => !stale)).toHaveLength(6);
    expect(await shop.processes()).toEqual(processes);
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.calls).toBeGreaterThan(4000);
    expect(report.orders).toBeGreaterThan(200);
    expect(report.answered).toBe(report.calls);
  }, 120_000);
});
