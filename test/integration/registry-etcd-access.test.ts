import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { EtcdStore, type EtcdStoreOptions } from '@weft/registry';
import { type Certificate, TestAuthority } from '../support/certificates.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWith } from '../support/tools.ts';
import { describedInstance } from '../unit/registry/fixtures.ts';

let cleanup: AsyncDisposableStack;
beforeEach(() => {
  cleanup = new AsyncDisposableStack();
});
afterEach(() => cleanup.disposeAsync());

function storeOf({ endpoint }: TestEtcd, options: Partial<EtcdStoreOptions> = {}): EtcdStore {
  const store = new EtcdStore({ endpoints: [endpoint], ...options });
  cleanup.defer(() => store.close());
  return store;
}

const register = (store: EtcdStore, id = 'a') => store.register(describedInstance({ id }), 60);

/** Everything a store does to etcd, one after the other. */
async function expectToWork(store: EtcdStore): Promise<void> {
  await store.catalog.completed;
  const { instance } = await register(store);
  const { service, id, leaseId } = instance;
  expect(await store.keepAlive([leaseId])).toEqual([60]);
  const { instance: changed } = await store.update({ service, id, leaseId }, { weight: 7 });
  expect(store.catalog.get(service, id)).toEqual(changed);
  expect(await store.deregister({ service, id, leaseId })).toMatchObject({ removed: true });
  expect(store.catalog.get(service, id)).toBeUndefined();
}

describeWith(['etcd', 'etcdctl', 'openssl'], 'an etcd over TLS', () => {
  const folder = tempFolder();
  let own: TestAuthority;
  let strange: TestAuthority;
  let etcd: TestEtcd;
  let plain: TestEtcd;
  let expired: TestEtcd;

  beforeAll(async () => {
    own = new TestAuthority(folder.path, 'own');
    strange = new TestAuthority(folder.path, 'strange');
    const { caFile } = own;
    const client = own.sign('client');
    const old = own.sign('old', { hasExpired: true });
    [etcd, plain, expired] = await Promise.all([
      createTestEtcd({ tls: { server: own.sign('server'), client, caFile } }),
      createTestEtcd(),
      createTestEtcd({ tls: { server: old, client, caFile } }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([etcd, plain, expired].map((each) => each?.close()));
    folder[Symbol.dispose]();
  });

  it('is worked with, certificates shown both ways', async () => {
    const { cert, key } = own.sign('registry').read();
    await expectToWork(storeOf(etcd, { tls: { ca: own.ca, cert, key } }));
  });

  it('says that its certificate is of an authority not trusted', async () => {
    const { cert, key } = own.sign('registry').read();
    const advice = /refuses this registry: its certificate is of no authority trusted.*--etcd-ca/;
    const store = storeOf(etcd, { tls: { ca: strange.ca, cert, key } });
    await expect(register(store)).rejects.toThrow(advice);
    await expect(register(storeOf(etcd, { tls: {} }))).rejects.toThrow(advice);
    expect(store.catalog.isComplete).toBe(false);
  });

  it('says that it wants a certificate, or another one', async () => {
    const { cert, key } = strange.sign('registry').read();
    const advice = /it wants a certificate of an authority that it trusts.*--etcd-cert/;
    await expect(register(storeOf(etcd, { tls: { ca: own.ca } }))).rejects.toThrow(advice);
    const tls = { ca: own.ca, cert, key };
    await expect(register(storeOf(etcd, { tls }))).rejects.toThrow(advice);
  });

  it('says that TLS is spoken at one end only', async () => {
    // A plain etcd may also just hang up on what is no HTTP/2.
    const advice = /it does not seem to speak TLS: leave out|ECONNRESET/;
    await expect(register(storeOf(plain, { tls: { ca: own.ca } }))).rejects.toThrow(advice);
    await expect(register(storeOf(etcd))).rejects.toThrow(/does not answer/);
  });

  /** Puts a file in the place of another, in one step. */
  function put(file: string, place: string): void {
    copyFileSync(file, `${place}.new`);
    renameSync(`${place}.new`, place);
  }

  /** Files as a registry is given them, looked at often, and what they hold. */
  function filesOf({ certFile: cert, keyFile: key, read }: Certificate) {
    return { ...read(), ca: own.ca, files: { ca: own.caFile, cert, key, lookMs: 50 } };
  }

  it('F39: is worked with as soon as the certificate to show is one that it trusts', async () => {
    const { log, lines } = recordedLog();
    const certificate = strange.sign('renewed');
    const store = storeOf(etcd, { tls: filesOf(certificate), log });
    await expect(register(store)).rejects.toThrow(/it wants a certificate of an authority/);
    const renewed = own.sign('to-come');
    // Its key is written a moment later: until then the two do not fit together.
    put(renewed.certFile, certificate.certFile);
    const misfit = /^warn the new certificates for etcd are of no use; the former stay/;
    await eventually(() => expect(lines).toContainEqual(expect.stringMatching(misfit)));
    // It has looked some times more, and said so once.
    await sleep(300);
    put(renewed.keyFile, certificate.keyFile);
    await eventually(() => expect(store.catalog.isStale).toBe(false), { withinMs: 10_000 });
    await expectToWork(store);
    expect(lines.filter((line) => misfit.test(line))).toHaveLength(1);
  });

  const isChange = (line: string) => line.includes('the certificates for etcd have changed');

  it('F39: fails no call that waits for a connection while the certificate to show is renewed', async () => {
    const proxy = await createTcpProxy(etcd.endpoint);
    cleanup.defer(() => proxy.close());
    const { log, lines } = recordedLog();
    const certificate = own.sign('waiting');
    const store = storeOf({ ...etcd, endpoint: proxy.address }, { tls: filesOf(certificate), log });
    await eventually(() => expect(store.catalog.isStale).toBe(false));
    // The first lease is asked for over a connection of its own.
    proxy.block('toClient');
    const registering = register(store, 'waiting');
    const { certFile, keyFile } = own.sign('awaited');
    put(keyFile, certificate.keyFile);
    put(certFile, certificate.certFile);
    await eventually(() => expect(lines.filter(isChange)).toHaveLength(1));
    proxy.restore();
    expect((await registering).instance.id).toBe('waiting');
  });

  it.each([
    ['empty', ''],
    ['cut off', '-----BEGIN CERTIFICATE-----\nMIIB'],
  ])(
    'F39: goes on by the former authority while the file of the new one is %s',
    async (_, part) => {
      const { log, lines } = recordedLog();
      const certificate = own.sign(`authority-${part.length}`);
      const caFile = `${certificate.certFile}.ca`;
      copyFileSync(own.caFile, caFile);
      const { files, ...pem } = filesOf(certificate);
      const store = storeOf(etcd, { tls: { ...pem, files: { ...files, ca: caFile } }, log });
      await expectToWork(store);
      writeFileSync(caFile, part);
      const misfit = /^warn the new certificates for etcd are of no use; the former stay/;
      await eventually(() => expect(lines).toContainEqual(expect.stringMatching(misfit)));
      await expectToWork(store);
      expect(lines.filter(isChange)).toEqual([]);
    },
  );

  it('F39: fails no call while the certificate to show is renewed', async () => {
    const { log, lines } = recordedLog();
    const certificate = own.sign('rotating');
    const store = storeOf(etcd, { tls: filesOf(certificate), log });
    await store.catalog.completed;
    const { instance } = await register(store, 'kept');
    let isOver = false;
    let count = 0;
    const work = async (worker: number) => {
      while (!isOver) {
        await register(store, `${worker}-${count++}`);
        expect(await store.keepAlive([instance.leaseId])).toEqual([60]);
      }
    };
    const working = Promise.all([1, 2, 3].map(work));
    const changes = () => lines.filter(isChange);
    for (const turn of [1, 2, 3]) {
      const { certFile, keyFile } = own.sign(`rotated-${turn}`);
      put(keyFile, certificate.keyFile);
      put(certFile, certificate.certFile);
      await Promise.race([
        working,
        eventually(() => expect(changes()).toHaveLength(turn), { withinMs: 10_000 }),
      ]);
      const before = count;
      await Promise.race([
        working,
        eventually(() => expect(count).toBeGreaterThan(before + 20), { withinMs: 10_000 }),
      ]);
    }
    // The links of before are closed by then, and who watched over them has seen to that.
    await Promise.race([working, sleep(5000)]);
    isOver = true;
    await working;
    expect(store.catalog.isStale).toBe(false);
    expect(store.stats.relists).toBe(1);
    await expectToWork(store);
  });

  it('F39: says that its certificate has expired', async () => {
    const store = storeOf(expired, { tls: { ca: own.ca } });
    await expect(register(store)).rejects.toThrow(/its certificate has expired: renew it/);
  });
});

describeWith(['etcd', 'etcdctl'], 'an etcd with users', () => {
  let etcd: TestEtcd;
  const user = { name: 'weft', password: 'secret' };
  const asRoot = (...words: string[]) => etcd.ctl('--user', 'root:root', ...words);

  beforeAll(async () => {
    etcd = await createTestEtcd({ flags: { 'auth-token-ttl': '1', 'bcrypt-cost': '4' } });
    for (const name of ['root:root', 'weft:secret', 'other:secret']) {
      await etcd.ctl('user', 'add', name);
    }
    await etcd.ctl('user', 'grant-role', 'root', 'root');
    await etcd.ctl('role', 'add', 'weft');
    await etcd.ctl('role', 'grant-permission', 'weft', '--prefix=true', 'readwrite', '/weft/');
    await etcd.ctl('user', 'grant-role', 'weft', 'weft');
    await etcd.ctl('auth', 'enable');
  });
  afterAll(() => etcd.close());

  it('is worked with by a role for the prefix /weft/ alone', async () => {
    await expectToWork(storeOf(etcd, { user }));
  });

  it('is worked with after the token has expired', async () => {
    // Each use of a token prolongs it, so that this store must ask nothing meanwhile.
    const store = storeOf(etcd, { user, checkMs: 60_000 });
    await expectToWork(store);
    const expiry = async () => {
      await sleep(3000);
    };
    await expiry();
    await expectToWork(store);
  });

  it('is worked with after it was restarted, and knows no token any more', async () => {
    const store = storeOf(etcd, { user });
    await expectToWork(store);
    await etcd.stop();
    await eventually(() => expect(store.catalog.isStale).toBe(true));
    await etcd.start();
    await eventually(() => expect(store.catalog.isStale).toBe(false), { withinMs: 10_000 });
    await expectToWork(store);
    // The watch was taken anew as well: what others do is seen.
    const { instance } = await register(store, 'watched');
    await asRoot('del', '/weft/v1/services/user-service/watched');
    await eventually(() => expect(store.catalog.get(instance.service, 'watched')).toBeUndefined());
  });

  it('says that the password is wrong, once, and takes the store when it is right', async () => {
    const { log, lines } = recordedLog();
    const store = storeOf(etcd, { user: { name: 'other', password: 'new' }, log });
    const advice = /refuses this registry: wrong user or password: check --etcd-user/;
    await expect(register(store)).rejects.toThrow(advice);
    await sleep(1500);
    expect(lines).toEqual([expect.stringMatching(advice)]);
    expect(lines.join()).not.toContain('new');
    await asRoot('user', 'grant-role', 'other', 'weft');
    await changePassword('other', 'new');
    await eventually(() => expect(store.catalog.isStale).toBe(false), { withinMs: 5000 });
    await expectToWork(store);
  });

  it('says that a user is needed, and what the user may not do', async () => {
    await expect(register(storeOf(etcd))).rejects.toThrow(/it asks for a user: name one with/);
    await etcd.ctl('--user', 'root:root', 'user', 'add', 'nobody:secret');
    const nobody = { name: 'nobody', password: 'secret' };
    const advice = /its user may not do this: give its role readwrite on the prefix \/weft\//;
    await expect(register(storeOf(etcd, { user: nobody }))).rejects.toThrow(advice);
  });

  it('says that it knows no users', async () => {
    const open = await createTestEtcd();
    cleanup.defer(() => open.close());
    const advice = /it knows no users: leave out --etcd-user/;
    await expect(register(storeOf(open, { user }))).rejects.toThrow(advice);
  });

  /** etcdctl takes a password only from standard input. */
  async function changePassword(name: string, password: string): Promise<void> {
    await asRoot('user', 'delete', name);
    await asRoot('user', 'add', `${name}:${password}`);
    await asRoot('user', 'grant-role', name, 'weft');
  }
});
