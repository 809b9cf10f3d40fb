import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { at } from '../../contract/registry-harness.ts';
import { InputStage, valid } from '../../support/registry-input.ts';
import { badFields } from '../../support/services.ts';
import { describeWith } from '../../support/tools.ts';

// B9, a loopback address told by a peer elsewhere, is in test/unit/registry/registration-handlers.test.ts:
// a test has no other machine to call from.
describeWith(['etcd', 'etcdctl'], 'addresses that reach the registry', () => {
  let stage: InputStage;

  beforeAll(async () => {
    stage = await InputStage.start();
  });

  afterAll(() => stage.close());

  it.each([0, -1, 65_536, -2_147_483_648, 2_147_483_647])(
    'B6: port %d is refused',
    async (port) => {
      const call = () => stage.client.register(valid({ address: at(port) }));
      await stage.refuses(badFields('instance.address.port'), call);
    },
  );

  it.each([
    ['B7', '[::1]'],
    ['B7', '1::2::3'],
    ['B7', '12345::'],
    ['B7', '::ffff:300.0.0.1'],
    ['B7', '1.2.3'],
    ['B7', '256.1.1.1'],
    ['B7', '127.1'],
    ['B7', '0x7f000001'],
    ['B7', '10.0.0.0x1'],
    ['B7', 'a b'],
    ['B7', 'a..b'],
    ['B7', '-a'],
    ['B7', 'host:80'],
    ['B7', 'http://host'],
    ['B7', 'user@host'],
    ['B7', ''],
    ['B8', '0.0.0.0'],
    ['B8', '::'],
    ['B8', '::ffff:0.0.0.0'],
    ['B8', '224.0.0.1'],
    ['B8', '255.255.255.255'],
    ['B8', 'ff02::1'],
    ['B8', '169.254.169.254'],
    ['B8', 'fe80::1'],
    ['B8', 'fe80::1%eth0'],
  ])('%s: host %j is refused', async (_line, host) => {
    const call = () => stage.client.register(valid({ address: { host, port: 1 } }));
    await stage.refuses(badFields('instance.address.host'), call);
  });

  it('B7: one of 1 MB is refused, and an address that is missing, each told what is wrong', async () => {
    const host = 'a.'.repeat(500_000);
    const long = () => stage.client.register(valid({ address: { host, port: 0 } }));
    await stage.refuses(badFields('instance.address.host', 'instance.address.port'), long);
    const none = () => stage.client.register(valid({ address: undefined }));
    await stage.refuses(badFields('instance.address'), none);
    await expect(long()).rejects.toThrow(/must be a host name/);
  });
});
