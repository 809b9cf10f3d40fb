import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { drain } from '../../contract/registry-harness.ts';
import { eventually } from '../../support/eventually.ts';
import { InputStage, valid } from '../../support/registry-input.ts';
import { badFields } from '../../support/services.ts';
import { describeWith } from '../../support/tools.ts';
import { WatchRecorder } from '../../support/watch-recorder.ts';

describeWith(['etcd', 'etcdctl'], 'names that reach the registry', () => {
  let stage: InputStage;

  beforeAll(async () => {
    stage = await InputStage.start();
  });

  afterAll(() => stage.close());

  it.each([
    ['B2: one over 63 characters', 'a'.repeat(64)],
    ['B2: one of 1 MB', 'a'.repeat(1_000_000)],
    ['B3: one with a slash', 'a/b'],
    ['B3: one that leaves the prefix', '../services'],
    ['B3: dots', '..'],
    ['B3: one with a NUL', 'a\0'],
    ['B3: one with a line end', 'a\n'],
    ['B3: one with a control character', 'a\u0085b'],
    ['B4: mixed case', 'User'],
    ['B4: a Cyrillic look-alike', 'us\u0435r'],
    ['B4: full-width letters', '\uff55ser'],
    ['B4: letters that turn round', 'user\u202eresu'],
    ['B4: half a surrogate pair', 'user\ud800'],
  ])('%s is refused as a service by every rpc', async (_what, service) => {
    const { client } = stage;
    const of = { service, id: 'a' };
    await stage.refuses(badFields('instance.service'), () => client.register(valid({ service })));
    await stage.refuses(
      badFields('service'),
      () => client.updateInstance({ ...of, weight: 2 }),
      () => client.deregister(of),
      () => client.getService({ service }),
      () => client.listInstances({ service }),
    );
    await stage.refuses(badFields('services[0]'), () =>
      drain(client.watch({ services: [service] })),
    );
    await stage.refuses(badFields('instance.dependencies[1]'), () =>
      client.register(valid({ dependencies: ['seed', service] })),
    );
  });

  it('B1: an empty one is refused as a service by every rpc that needs one', async () => {
    const { client } = stage;
    const of = { service: '', id: 'a' };
    await stage.refuses(badFields('instance.service'), () =>
      client.register(valid({ service: '' })),
    );
    await stage.refuses(
      badFields('service'),
      () => client.updateInstance({ ...of, weight: 2 }),
      () => client.deregister(of),
      () => client.getService({ service: '' }),
    );
    await stage.refuses(badFields('services[0]'), () => drain(client.watch({ services: [''] })));
    await stage.refuses(badFields('instance'), () => client.register({}));
  });

  it.each([
    ['B2: 64 characters', 'a'.repeat(64)],
    ['B3: a slash', 'a/b'],
    ['B3: dots', '..'],
    ['B3: a NUL', '\0'],
    ['B4: a capital', 'A'],
    ['B4: a Cyrillic look-alike', '\u0430'],
  ])('%s is refused as an id', async (_what, id) => {
    const { client } = stage;
    await stage.refuses(badFields('instance.id'), () => client.register(valid({ id })));
    await stage.refuses(
      badFields('id'),
      () => client.updateInstance({ service: 'seed', id, weight: 2 }),
      () => client.deregister({ service: 'seed', id }),
    );
  });

  it('B5: user, user-admin and use are never taken for each other', async () => {
    const { client } = stage;
    const names = ['use', 'user', 'user-admin'];
    for (const service of names) await client.register(valid({ service }));
    const watch = new WatchRecorder(client, { services: ['user'] });
    await eventually(() => expect([...watch.held.keys()]).toEqual(['user/a']));
    for (const service of names) {
      const { instances } = await client.listInstances({ service });
      expect(instances.map((instance) => instance.service)).toEqual([service]);
      expect((await client.getService({ service })).instances).toEqual(instances);
    }
    await client.updateInstance({ service: 'user-admin', id: 'a', weight: 7 });
    expect(await client.deregister({ service: 'user', id: 'a' })).toMatchObject({ removed: true });
    await eventually(() => expect(watch.held.size).toBe(0));
    await watch.stop();
    expect(Object.keys(await stage.stored())).toEqual(['seed/a', 'use/a', 'user-admin/a']);
    for (const service of names) await client.deregister({ service, id: 'a' });
  });
});
