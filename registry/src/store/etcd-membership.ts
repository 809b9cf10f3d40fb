import { type Log, messageOf, pause } from '@weft/proto';
import type { EtcdClient, KeyValue } from './etcd-client.ts';
import type { EtcdKeepAlive } from './etcd-keep-alive.ts';
import { REGISTRIES_PREFIX } from './etcd-keys.ts';
import { newLeaseId } from './lease-id.ts';
import type { Replica, ReplicaList } from './replica-list.ts';

/** How long a replica that died is still taken to live, and how often each says that it does. */
const TTL_SECONDS = 5;
const EVERY_MS = 1000;

/** Reads a replica as etcd holds it; undefined when it is none: anyone may write to etcd. */
export function decodeReplica({
  key,
  value,
}: Pick<KeyValue, 'key' | 'value'>): Replica | undefined {
  try {
    const { id, address, startTime }: Record<string, unknown> = JSON.parse(value);
    const isReplica = key === `${REGISTRIES_PREFIX}${id}` && typeof address === 'string';
    if (!isReplica || !/:\d+$/.test(address)) return undefined;
    return { id: `${id}`, address, startTime: new Date(`${startTime}`) };
  } catch {
    return undefined;
  }
}

export interface EtcdMembershipOptions {
  client: EtcdClient;
  keepAlive: EtcdKeepAlive;
  self: Replica;
  /** Kept like etcd: the replicas whose lease lives. As it last was while etcd is away. */
  replicas: ReplicaList;
  log: Log;
}

/**
 * Keeps a registry known to the others on the same etcd, by a key on a lease of its own, and the others
 * known to it. They are listed every second, and when it matters that none is missed: they are few.
 */
export class EtcdMembership {
  readonly #options: EtcdMembershipOptions;
  readonly #closer = new AbortController();
  readonly #running: Promise<void>;
  #leaseId: bigint | undefined;
  /** Lists asked for, and the latest of them that was taken. */
  #lists = { asked: 0, taken: 0 };

  constructor(options: EtcdMembershipOptions) {
    this.#options = options;
    options.replicas.set([options.self]);
    this.#running = this.#run();
  }

  /** Leaves: the others know at once. */
  async close(): Promise<void> {
    this.#closer.abort();
    await this.#running;
    if (this.#leaseId === undefined) return;
    // Where etcd does not answer the lease ends by itself.
    await this.#options.client.revoke(this.#leaseId).catch(() => {});
  }

  /** Brings `replicas` up to date at once. @throws when etcd does not answer: they stay as they were */
  async refresh(): Promise<KeyValue[]> {
    const { client, self, replicas } = this.#options;
    const lists = this.#lists;
    lists.asked += 1;
    const turn = lists.asked;
    const keyValues = await client.listAll(REGISTRIES_PREFIX);
    // Of two lists at once the one asked for first may come last.
    if (turn > lists.taken) {
      lists.taken = turn;
      const listed = keyValues.map(decodeReplica).filter((replica) => replica !== undefined);
      replicas.set([...listed.filter(({ id }) => id !== self.id), self]);
    }
    return keyValues;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closer;
    while (!signal.aborted) {
      try {
        await this.#renew();
        await this.#enter(await this.refresh());
      } catch (error) {
        this.#options.log.debug({ error: messageOf(error) }, 'the replicas could not be listed');
      }
      await pause(EVERY_MS * (0.9 + 0.1 * Math.random()), signal);
    }
  }

  async #renew(): Promise<void> {
    const { client, keepAlive } = this.#options;
    if (this.#leaseId !== undefined) {
      const [seconds = 0] = await keepAlive.renew([this.#leaseId]);
      if (seconds > 0) return;
    }
    // Known before it is granted, so that one whose answer is lost is renewed or revoked all the same.
    this.#leaseId = newLeaseId();
    await client.grant(this.#leaseId, TTL_SECONDS);
  }

  /** Writes its own key where it is not among those listed, or hangs on another lease. */
  async #enter(keyValues: readonly KeyValue[]): Promise<void> {
    const { client, self } = this.#options;
    const key = `${REGISTRIES_PREFIX}${self.id}`;
    const known = keyValues.find((kv) => kv.key === key);
    if (known !== undefined && known.leaseId === this.#leaseId) return;
    const value = JSON.stringify({
      id: self.id,
      address: self.address,
      startTime: self.startTime.toISOString(),
    });
    const leaseId = this.#leaseId ?? 0n;
    await client.putEachIf([{ key, value, leaseId, modRevision: known?.modRevision ?? 0n }]);
  }
}
