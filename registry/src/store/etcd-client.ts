import { messageOf } from '@weft/proto';
import {
  type Etcd3,
  EtcdLeaseInvalidError,
  GRPCFailedPreconditionError,
  type IResponseHeader,
} from 'etcd3';
import { StoreError } from '../errors.ts';
import type { EtcdAccess } from './etcd-access.ts';
import { EtcdConnection, isFull, isOutage } from './etcd-connection.ts';
import { SERVICES_PREFIX } from './etcd-keys.ts';
import { EtcdKeyspace, type KeyValue } from './etcd-keyspace.ts';
import { leaseGrant, leaseKeepAlive, leaseTimeToLive } from './etcd-lease-methods.ts';
import { type ConditionalPut, type PutOutcome, putOutcome, putTransaction } from './etcd-put.ts';
import { refusalAdvice } from './etcd-refusal.ts';
import { fullError } from './etcd-space.ts';

/** Keys on the first page of a list. */
const FIRST_PAGE = 500;
/**
 * What a further page is to come to, going by the one before: etcd counts all keys for each page.
 */
const PAGE_BYTES = 384 * 1024;

/** Where an answer stands in the history of etcd. */
export interface Position {
  revision: bigint;
}

export interface WatchListener {
  /** etcd has taken the watch. */
  created(): void;
  /** Changes in revision order. A deleted key has an empty value. */
  changed(changes: { isDelete: boolean; keyValue: KeyValue }[]): void;
  /** Nothing follows. `compacted`: the revision to go on from is no longer held. */
  ended(reason: { compacted: boolean; message: string }): void;
}

export interface KeepAliveListener {
  renewed(leaseId: bigint, ttlSeconds: number): void;
  ended(error: Error): void;
}

export interface KeepAliveStream {
  renew(leaseId: bigint): void;
  close(): void;
}

function position({ revision }: IResponseHeader): Position {
  return { revision: BigInt(revision) };
}

/**
 * The calls a store makes to etcd, each bounded in time. Of etcd3 it uses calls only: its watcher
 * and leases hide losses (see the store's feed and keepalives for what stands in their place).
 * Every call fails with StoreError `unavailable` when etcd does not answer, a write with `no-space`
 * when etcd is full.
 */
export class EtcdClient {
  readonly #connection: EtcdConnection;
  readonly #keyspace: EtcdKeyspace;

  /** `endpoints`: `host:port` each. */
  constructor(endpoints: readonly string[], access: EtcdAccess = {}) {
    this.#connection = new EtcdConnection(endpoints, access);
    this.#keyspace = new EtcdKeyspace(access.prefix);
  }

  /** How many members there are to open a stream at. */
  get memberCount(): number {
    return this.#connection.memberCount;
  }

  async get(key: string): Promise<Position & { found: KeyValue | undefined }> {
    const answer = await this.#call(({ kv }) => kv.range({ key: this.#keyspace.bytes(key) }));
    const [kv] = answer.kvs;
    return { ...position(answer.header), found: kv && this.#keyspace.keyValue(kv) };
  }

  /** Every key with the prefix, all at one revision, page by page; the last page may be empty. */
  async *list(
    prefix: string,
    { keysOnly = false } = {},
  ): AsyncGenerator<Position & { keyValues: KeyValue[] }, void, undefined> {
    let at: Position | undefined;
    let { key, range_end } = this.#keyspace.range(prefix);
    let limit = FIRST_PAGE;
    for (;;) {
      const { kvs, more, header } = await this.#call(({ kv }) =>
        kv.range({
          key,
          range_end,
          limit,
          keys_only: keysOnly,
          revision: at === undefined ? 0 : `${at.revision}`,
        }),
      );
      at ??= position(header);
      yield { ...at, keyValues: kvs.map((kv) => this.#keyspace.keyValue(kv)) };
      const last = kvs.at(-1);
      if (!more || last === undefined) return;
      key = Buffer.concat([last.key, Buffer.from([0])]);
      const bytes = kvs.reduce((sum, kv) => sum + kv.key.length + kv.value.length, 0);
      limit = Math.ceil((kvs.length / bytes) * PAGE_BYTES);
    }
  }

  /** Every key with the prefix, where these are few. */
  async listAll(prefix: string): Promise<KeyValue[]> {
    const all: KeyValue[] = [];
    for await (const { keyValues } of this.list(prefix)) all.push(...keyValues);
    return all;
  }

  /**
   * Whether any key with the prefix was written after a revision, and how many keys there are now.
   * etcd does the comparing; nothing but the answer travels.
   */
  async changedSince(
    prefix: string,
    revision: bigint,
  ): Promise<Position & { isChanged: boolean; count: number }> {
    const answer = await this.#call(({ kv }) =>
      kv.range({
        ...this.#keyspace.range(prefix),
        min_mod_revision: `${revision + 1n}`,
        keys_only: true,
        limit: 1,
      }),
    );
    const { kvs, count, header } = answer;
    return { ...position(header), isChanged: kvs.length > 0, count: Number(count) };
  }

  /**
   * Writes keys, each under its lease and if it still is at its revision, whatever becomes of the
   * others, in one step: those written have one revision. The keys must differ. Answers in their
   * order.
   */
  async putEachIf(puts: readonly ConditionalPut[]): Promise<PutOutcome[]> {
    const success = puts.map((put) => ({ request_txn: putTransaction(put, this.#keyspace) }));
    const answer = await this.#unlessLeaseLost(({ kv }) => kv.txn({ success }));
    if (answer !== undefined) {
      const { revision } = position(answer.header);
      const { responses } = answer;
      return puts.map((_, index) =>
        putOutcome(responses[index]?.response_txn, revision, this.#keyspace),
      );
    }
    // One lease that is lost fails the whole; with a single put it is known whose.
    if (puts.length <= 1) return puts.map(() => ({ kind: 'lease-lost' }));
    return (await Promise.all(puts.map((put) => this.putEachIf([put])))).flat();
  }

  /**
   * Deletes a key if it still is at `modRevision`.
   * @returns the revision at which it is gone; undefined if the key has changed, or someone else
   *   deleted it
   */
  async deleteIf(modRevision: bigint, key: string): Promise<bigint | undefined> {
    const name = this.#keyspace.bytes(key);
    let mayBeDone = false;
    const answer = await this.#call(({ kv }, isRepeated) => {
      mayBeDone = isRepeated;
      return kv.txn({
        compare: [{ key: name, target: 'Mod', result: 'Equal', mod_revision: `${modRevision}` }],
        success: [{ request_delete_range: { key: name } }],
      });
    });
    if (answer.succeeded) return position(answer.header).revision;
    if (!mayBeDone) return undefined;
    const { found, revision } = await this.get(key);
    return found === undefined ? revision : undefined;
  }

  /**
   * Takes a lease under an id of the caller's, so that one whose answer was lost can be revoked.
   */
  async grant(leaseId: bigint, ttlSeconds: number): Promise<number> {
    try {
      return (await this.#connection.call(leaseGrant, { leaseId, ttlSeconds })).ttlSeconds;
    } catch (error) {
      // The id is random: it exists because an attempt before this one took it.
      if (error instanceof GRPCFailedPreconditionError) return ttlSeconds;
      throw this.#failure(error);
    }
  }

  /**
   * Ends a lease, and with it its key.
   * @returns a revision at which it has ended; undefined if someone else ended it, or it never was
   */
  async revoke(leaseId: bigint): Promise<Position | undefined> {
    const request = { ID: `${leaseId}` };
    let mayBeDone = false;
    const answer = await this.#unlessLeaseLost(({ leaseClient }, isRepeated) => {
      mayBeDone = isRepeated;
      return leaseClient.leaseRevoke(request);
    });
    if (answer !== undefined) return position(answer.header);
    if (!mayBeDone) return undefined;
    const { revision } = await this.get(SERVICES_PREFIX);
    return { revision };
  }

  /**
   * The whole seconds that a lease has left, towards 0. Negative if there is no such lease, or if
   * it expired a second ago or more; etcd may have yet to revoke it then. Does not renew the lease.
   */
  async secondsLeft(leaseId: bigint): Promise<number> {
    try {
      return (await this.#connection.call(leaseTimeToLive, leaseId)).ttlSeconds;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Whether a lease is there, with anything on it or not. */
  async isLeaseAlive(leaseId: bigint): Promise<boolean> {
    return (await this.secondsLeft(leaseId)) >= 0;
  }

  /** The keys on a lease; none if the lease has ended. */
  async keysOf(leaseId: bigint): Promise<string[]> {
    const request = { ID: `${leaseId}`, keys: true };
    const { keys } = await this.#call(({ leaseClient }) => leaseClient.leaseTimeToLive(request));
    return keys.map((key) => this.#keyspace.key(key));
  }

  /**
   * Opens a watch of a prefix from a revision on, at another member than the one before; the answer
   * cancels it, after which nothing is told.
   */
  async watch(prefix: string, fromRevision: bigint, listener: WatchListener): Promise<() => void> {
    const opening = this.#connection.member().watchClient.watch();
    const stream = await opening.catch((error) => Promise.reject(this.#failure(error)));
    let isOver = false;
    const end = (compacted: boolean, message: string) => {
      if (isOver) return;
      isOver = true;
      stream.cancel();
      listener.ended({ compacted, message });
    };
    stream.on('data', (answer) => {
      if (isOver) return;
      if (answer.canceled) {
        const isCompacted = answer.compact_revision !== '0';
        if (!isCompacted) this.#connection.forgetToken();
        end(isCompacted, isCompacted ? 'compacted' : answer.cancel_reason || 'canceled by etcd');
      } else if (answer.created) {
        listener.created();
      } else if (answer.events.length > 0) {
        const changes = answer.events.map(({ type, kv }) => {
          return {
            isDelete: type === 'Delete' || `${type}` === 'DELETE',
            keyValue: this.#keyspace.keyValue(kv),
          };
        });
        listener.changed(changes);
      }
    });
    stream.on('error', (error) => end(false, error.message));
    stream.on('end', () => end(false, 'ended by etcd'));
    stream.write({
      create_request: {
        ...this.#keyspace.range(prefix),
        start_revision: `${fromRevision}`,
      },
    });
    return () => {
      isOver = true;
      stream.cancel();
    };
  }

  /** Opens a stream that renews leases, at another member than the one before. */
  keepAlive(listener: KeepAliveListener): KeepAliveStream {
    const stream = this.#connection.stream(leaseKeepAlive);
    let isOver = false;
    const end = (message: string) => {
      if (isOver) return;
      isOver = true;
      stream.cancel();
      listener.ended(this.#unavailable(message));
    };
    stream.on('data', ({ leaseId, ttlSeconds }) => listener.renewed(leaseId, ttlSeconds));
    stream.on('error', (error) => end(error.message));
    stream.on('end', () => end('the stream was ended'));
    return {
      renew: (leaseId) => void stream.write(leaseId),
      close: () => {
        isOver = true;
        stream.cancel();
      },
    };
  }

  close(): void {
    this.#connection.close();
  }

  async #call<T>(call: (etcd: Etcd3, isRepeated: boolean) => Promise<T>): Promise<T> {
    try {
      return await this.#connection.run(call);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async #unlessLeaseLost<T>(
    call: (etcd: Etcd3, isRepeated: boolean) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await this.#connection.run(call);
    } catch (error) {
      if (error instanceof EtcdLeaseInvalidError) return undefined;
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): unknown {
    if (isFull(error)) return fullError(this.#connection.endpoints, error);
    const message = messageOf(error);
    const isRefused = this.#advice(message) !== undefined;
    return isRefused || isOutage(error) ? this.#unavailable(message, error) : error;
  }

  #advice(message: string): string | undefined {
    return refusalAdvice(message, this.#keyspace.prefix);
  }

  #unavailable(message: string, cause?: unknown): StoreError {
    const advice = this.#advice(message);
    const where = `etcd at ${this.#connection.endpoints.join(', ')}`;
    const text =
      advice === undefined
        ? `${where} does not answer: ${message}`
        : `${where} refuses this registry: ${advice} (${message})`;
    return new StoreError('unavailable', text, { cause });
  }
}
