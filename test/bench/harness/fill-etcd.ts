import { Etcd3 } from 'etcd3';
import { instanceKey } from '../../../registry/src/store/etcd-keys.ts';
import { encodeInstance } from '../../../registry/src/store/instance-json.ts';
import { describedInstance } from './described-instance.ts';

/** What etcd allows of one transaction by default. */
const KEYS_PER_TXN = 128;
/** Calls under way at once. */
const AT_ONCE = 4;
/** How many leases are granted in one go. */
const GRANTS = 128;

export interface Filling {
  readonly endpoint: string;
  /** Services, `<prefix>-0`, `<prefix>-1`, ... */
  readonly prefix: string;
  readonly services: number;
  /** Instances of each. */
  readonly perService: number;
  /** Of the leases. */
  readonly ttlSeconds: number;
  /** How many instances live by one lease. Default 1, as the registry has it. */
  readonly perLease?: number;
  /** Of the first of each service; the others get UUIDs. Default: one too. */
  readonly firstId?: string;
}

/** Runs `work` on each item, so many at once. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}

function runs(count: number, size: number): readonly (readonly number[])[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, run) =>
    Array.from({ length: Math.min(size, count - run * size) }, (_, index) => run * size + index),
  );
}

/** Lists instances straight in etcd. Answers the leases they live by. */
export async function fillEtcd(filling: Filling): Promise<bigint[]> {
  const { endpoint, prefix, services, perService, ttlSeconds, perLease = 1, firstId } = filling;
  const etcd = new Etcd3({ hosts: endpoint });
  const count = services * perService;
  const leaseIds = new Array<bigint>(Math.ceil(count / perLease));
  try {
    await inParallel(runs(leaseIds.length, GRANTS), async (indexes) => {
      const grants = indexes.map(() => etcd.leaseClient.leaseGrant({ TTL: ttlSeconds }));
      for (const [at, { ID }] of (await Promise.all(grants)).entries()) {
        leaseIds[indexes[at] as number] = BigInt(ID);
      }
    });
    await inParallel(runs(count, KEYS_PER_TXN), async (indexes) => {
      const success = indexes.map((index) => {
        const service = `${prefix}-${index % services}`;
        const leaseId = leaseIds[Math.floor(index / perLease)] as bigint;
        const described = describedInstance(service, index, { leaseId, ttlSeconds });
        const isFirst = firstId !== undefined && index < services;
        const instance = isFirst ? { ...described, id: firstId } : described;
        return {
          request_put: {
            key: Buffer.from(instanceKey(service, instance.id)),
            value: Buffer.from(encodeInstance(instance)),
            lease: `${leaseId}`,
          },
        };
      });
      await etcd.kv.txn({ success });
    });
  } finally {
    etcd.close();
  }
  return leaseIds;
}
