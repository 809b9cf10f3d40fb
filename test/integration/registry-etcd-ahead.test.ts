import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { StoreError } from '../../registry/src/errors.ts';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import type { ConditionalPut } from '../../registry/src/store/etcd-put.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { type RegistryClient, RegistryStage, registrationOf } from '../support/registry-stage.ts';
import { failureOf } from '../support/services.ts';
import { describeWith } from '../support/tools.ts';

const { grant, putEachIf, revoke } = EtcdClient.prototype;
const away = () => new StoreError('unavailable', 'etcd does not answer');
const full = () => new StoreError('no-space', 'etcd is full');

const addressOf = (port: number) => ({ host: '127.0.0.1', port });

/** The least TTL that etcd grants: one and a half of its elections, longer than what is asked for here. */
const GRANTED_SECONDS = 6;
const ASKED_SECONDS = 2;
const ELECTION = { 'heartbeat-interval': '100', 'election-timeout': '4000' };

const UNAVAILABLE = { code: 'UNAVAILABLE', reason: 'STORE_UNAVAILABLE' };
const FULL = { code: 'RESOURCE_EXHAUSTED', reason: 'STORE_NO_SPACE' };

describeWith(['etcd', 'etcdctl'], 'a record sent ahead of its lease', () => {
  let etcd: TestEtcd;
  let stage: RegistryStage;
  let client: RegistryClient;
  /** What was asked of etcd, in that order; what a grant or put came to follows its name. */
  let asked: string[];

  beforeAll(async () => {
    etcd = await createTestEtcd({ flags: ELECTION });
  });
  afterAll(() => etcd.close());

  beforeEach(async () => {
    stage = new RegistryStage();
    ({ client } = await stage.registry(etcd.endpoint));
    // The replica has a lease of its own: what comes after that is of instances.
    await eventually(async () => expect(await keys('/weft/v1/registries/')).toHaveLength(1));
    asked = [];
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await stage[Symbol.asyncDispose]();
  });

  async function keys(prefix: string): Promise<string[]> {
    const text = await etcd.ctl('get', '--prefix', '--keys-only', prefix);
    return text.split('\n').filter((line) => line !== '');
  }

  /** The leases of instances, and the keys that hang on them. */
  async function held(): Promise<{ leases: number; keys: string[] }> {
    const [, ...leases] = (await etcd.ctl('lease', 'list')).trim().split('\n');
    const replicas = await keys('/weft/v1/registries/');
    return { leases: leases.length - replicas.length, keys: await keys('/weft/v1/services/') };
  }

  /** Nothing was left behind: neither a key, nor a lease that would have lived for ten minutes. */
  const nothingIsLeft = () =>
    eventually(async () => expect(await held()).toEqual({ leases: 0, keys: [] }), {
      withinMs: 20_000,
      everyMs: 100,
    });

  /** It is listed by the lease that was answered, and no other is there, also after a while. */
  async function expectRegistered(id: string, leaseId: bigint): Promise<void> {
    const one = { leases: 1, keys: [`/weft/v1/services/user-service/${id}`] };
    await eventually(async () => expect(await held()).toEqual(one));
    await pause(1000);
    expect(await held()).toEqual(one);
    const [renewed] = await renewals(leaseId);
    expect(renewed?.ttlSeconds).toBeGreaterThan(0);
    const { removed } = await client.deregister({ service: 'user-service', id, leaseId });
    expect(removed).toBe(true);
    await nothingIsLeft();
  }

  async function renewals(leaseId: bigint) {
    const requests = (async function* () {
      yield { leaseIds: [leaseId] };
    })();
    for await (const { leases } of client.keepAlive(requests)) return leases;
    throw new Error('no renewal was answered');
  }

  /**
   * Has the next grant come to what is told; `put` is when the record sent ahead was answered. Records are
   * held back until `release`, where one is given.
   */
  function nextGrant(
    become: (take: () => Promise<number>, put: Promise<unknown>) => unknown,
    release?: Promise<unknown>,
  ) {
    const put = Promise.withResolvers<void>();
    jest.spyOn(EtcdClient.prototype, 'putEachIf').mockImplementation(async function (
      this: EtcdClient,
      ...puts
    ) {
      await release;
      const outcomes = await putEachIf.apply(this, puts);
      asked.push(`put: ${outcomes.map(({ kind }) => kind)}`);
      put.resolve();
      return outcomes;
    });
    jest.spyOn(EtcdClient.prototype, 'grant').mockImplementationOnce(async function (
      this: EtcdClient,
      ...lease
    ) {
      try {
        return (await become(() => grant.apply(this, lease), put.promise)) as number;
      } finally {
        asked.push('grant');
      }
    });
  }

  /** Has the first put that is meant come to what is told. */
  function putThat(
    isMeant: (put: ConditionalPut) => boolean,
    become: (write: () => ReturnType<typeof putEachIf>) => unknown,
  ) {
    let isOver = false;
    jest.spyOn(EtcdClient.prototype, 'putEachIf').mockImplementation(async function (
      this: EtcdClient,
      ...puts
    ) {
      const write = () => putEachIf.apply(this, puts);
      if (isOver || !puts[0].some(isMeant)) return write();
      isOver = true;
      return (await become(write)) as Awaited<ReturnType<typeof write>>;
    });
  }

  const nothing = async () => {};
  it.each([
    ['etcd does not answer', nothing, away, UNAVAILABLE],
    ['etcd is full', nothing, full, FULL],
    ['its answer is lost', (take: () => Promise<unknown>) => take(), away, UNAVAILABLE],
  ])('is not there when it overtook its lease, and the grant fails: %s', async (...row) => {
    const [, become, error, status] = row;
    nextGrant(async (take, put) => {
      await put;
      await become(take);
      throw error();
    });
    expect(await failureOf(client.register(registrationOf('a')))).toEqual(status);
    expect(asked).toEqual(['put: lease-lost', 'grant']);
    await nothingIsLeft();
    const { leaseId } = await client.register(registrationOf('a'));
    await expectRegistered('a', leaseId);
  });

  it('stands when it came after its lease, whose answer was lost; a retry gets that lease', async () => {
    const taken = Promise.withResolvers<void>();
    nextGrant(async (take, put) => {
      await take();
      taken.resolve();
      await put;
      throw away();
    }, taken.promise);
    const { leaseId, ttlSeconds } = await client.register(registrationOf('a'));
    expect(ttlSeconds).toBe(600);
    expect(asked).toEqual(['put: written', 'grant']);
    const again = await client.register(registrationOf('a'));
    expect(again.leaseId).toBe(leaseId);
    await expectRegistered('a', leaseId);
  });

  it('is written again after its lease where it was the faster', async () => {
    nextGrant(async (take, put) => {
      await put;
      return take();
    });
    const { leaseId } = await client.register(registrationOf('a'));
    expect(asked).toEqual(['put: lease-lost', 'grant', 'put: written']);
    await expectRegistered('a', leaseId);
  });

  it.each([
    ['was not done', nothing],
    ['was done', (write: () => Promise<unknown>) => write()],
  ])('is not there when it is written again in vain, which %s', async (_, become) => {
    jest.spyOn(EtcdClient.prototype, 'grant').mockImplementationOnce(async function (
      this: EtcdClient,
      ...lease
    ) {
      await pause(200);
      return grant.apply(this, lease);
    });
    const sent: ConditionalPut[] = [];
    const isSecond = (put: ConditionalPut) => sent.push(put) === 2;
    putThat(isSecond, async (write) => {
      await become(write);
      throw away();
    });
    expect(await failureOf(client.register(registrationOf('a')))).toEqual(UNAVAILABLE);
    await nothingIsLeft();
    const { leaseId } = await client.register(registrationOf('a'));
    await expectRegistered('a', leaseId);
  });

  it('says the time that etcd gave it, where that is longer', async () => {
    const short = { ...registrationOf('a'), ttlSeconds: ASKED_SECONDS };
    const { leaseId, ttlSeconds, instance } = await client.register(short);
    expect([ttlSeconds, instance?.ttlSeconds]).toEqual([GRANTED_SECONDS, GRANTED_SECONDS]);
    const stored = await etcd.ctl('get', '--prefix', '--print-value-only', '/weft/v1/services/');
    expect(JSON.parse(stored).ttlSeconds).toBe(GRANTED_SECONDS);
    const { instances } = await client.getService({ service: 'user-service' });
    expect(instances).toEqual([instance]);
    await expectRegistered('a', leaseId);
  });

  it.each([
    ['was not done', nothing],
    ['was done', (write: () => Promise<unknown>) => write()],
  ])('stands where to say so failed, and %s; a retry gets its lease', async (_, become) => {
    const saysSo = ({ value }: ConditionalPut) => JSON.parse(value).ttlSeconds === GRANTED_SECONDS;
    putThat(saysSo, async (write) => {
      await become(write);
      throw away();
    });
    const short = { ...registrationOf('a'), ttlSeconds: ASKED_SECONDS };
    const { leaseId, ttlSeconds } = await client.register(short);
    // Who renews by less than there is loses nothing.
    expect(ttlSeconds).toBe(ASKED_SECONDS);
    expect(await renewals(leaseId)).toEqual([{ leaseId, ttlSeconds: GRANTED_SECONDS }]);
    expect((await client.register(short)).leaseId).toBe(leaseId);
    await expectRegistered('a', leaseId);
  });

  it('that was given up is not taken for listed by a retry, which stays', async () => {
    const isAny = () => true;
    putThat(isAny, async (write) => {
      await eventually(async () => expect(await write()).toMatchObject([{ kind: 'written' }]));
      throw away();
    });
    const retried = Promise.withResolvers<void>();
    jest.spyOn(EtcdClient.prototype, 'revoke').mockImplementationOnce(async function (
      this: EtcdClient,
      leaseId,
    ) {
      await retried.promise;
      return revoke.call(this, leaseId);
    });
    expect(await failureOf(client.register(registrationOf('a')))).toEqual(UNAVAILABLE);
    expect((await held()).keys).toHaveLength(1);
    const { leaseId } = await client.register(registrationOf('a'));
    retried.resolve();
    await expectRegistered('a', leaseId);
  });

  it('leaves no lease when it gives way to a rival while the grant is tried at another member', async () => {
    const rival = await stage.registry(etcd.endpoint);
    await eventually(async () => expect(await keys('/weft/v1/registries/')).toHaveLength(2));
    const registration = registrationOf('a');
    const elsewhere = { ...registration.instance, incarnation: 'rival', address: addressOf(5001) };
    const refused = Promise.withResolvers<void>();
    nextGrant(async (take) => {
      // The answer of the first member is lost, and waited for until the lease was given up.
      await take();
      await refused.promise;
      await eventually(async () => expect((await held()).leases).toBe(1));
      return take();
    });
    putThat(
      ({ value }) => !value.includes('rival'),
      async (write) => {
        await rival.client.register({ ...registration, instance: elsewhere });
        return write();
      },
    );
    const failure = await failureOf(client.register(registration));
    expect(failure).toEqual({ code: 'ALREADY_EXISTS', reason: 'INSTANCE_EXISTS' });
    refused.resolve();
    await eventually(() => expect(asked).toContain('grant'));
    const rivalAlone = { leases: 1, keys: ['/weft/v1/services/user-service/a'] };
    await eventually(async () => expect(await held()).toEqual(rivalAlone), { withinMs: 20_000 });
    await rival.client.deregister({ service: 'user-service', id: 'a' });
    await nothingIsLeft();
  });
});
