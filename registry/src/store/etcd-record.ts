import { type Log, messageOf } from '@weft/proto';
import { encodedInstance } from '../encoded-instance.ts';
import type { Catalog } from './catalog.ts';
import { parseInstanceKey } from './etcd-keys.ts';
import type { KeyValue } from './etcd-keyspace.ts';
import type { FeedStats } from './feed-stats.ts';
import { decodeInstance } from './instance-json.ts';
import { InstancePool } from './instance-pool.ts';
import type { StoredInstance } from './stored-instance.ts';

/**
 * Reads an instance as etcd holds it.
 * @throws Error saying why it is none: anyone may write to etcd.
 */
export function decodeRecord({ key, value, isUtf8, ...kv }: KeyValue): StoredInstance {
  if (!isUtf8) throw new Error('the key or the value is not valid UTF-8');
  const named = parseInstanceKey(key);
  if (named === undefined) throw new Error('the key is not <service>/<id>');
  if (kv.leaseId === 0n) throw new Error('the key has no lease');
  const instance = decodeInstance(value);
  if (instance.service !== named.service || instance.id !== named.id) {
    throw new Error(`the value is of instance '${instance.service}/${instance.id}'`);
  }
  return { ...instance, ...kv };
}

/**
 * Reads records. A value that is no instance is logged, counted and skipped; the catalog keeps the
 * last good instance of its key.
 *
 * Each instance is also encoded once as the protobuf message that lists and watches send. An
 * instance that cannot be encoded is skipped too, so no record can make a list, a watch or the
 * event log fail.
 */
export class RecordReader {
  readonly #catalog: Catalog;
  readonly #log: Log;
  readonly #stats: FeedStats;
  readonly #pool = new InstancePool();
  /** The revision of each skipped value, by key. */
  readonly #skipped = new Map<string, bigint>();

  constructor(catalog: Catalog, log: Log, stats: FeedStats) {
    this.#catalog = catalog;
    this.#log = log;
    this.#stats = stats;
  }

  /** Revisions of the values in etcd that are no instance, by key. */
  get skipped(): ReadonlyMap<string, bigint> {
    return this.#skipped;
  }

  /** Instances still listed though the value in their place is none. */
  get kept(): StoredInstance[] {
    return [...this.#skipped.keys()]
      .map((key) => this.known(key))
      .filter((instance) => instance !== undefined);
  }

  /**
   * How many keys etcd has as far as was read: those listed, and those skipped with none listed.
   */
  get keyCount(): number {
    return this.#catalog.size + this.#skipped.size - this.kept.length;
  }

  /** The instance of a key, or the last good one when the value is none, or undefined. */
  read(keyValue: KeyValue): StoredInstance | undefined {
    const { key, modRevision } = keyValue;
    try {
      const instance = this.#pool.slim(decodeRecord(keyValue));
      encodedInstance(instance);
      this.#skipped.delete(key);
      return instance;
    } catch (error) {
      this.#skipped.set(key, modRevision);
      this.#stats.skippedValues += 1;
      const reason = messageOf(error);
      const skipped = this.#skipped.size;
      this.#log.warn({ key, reason, skipped }, 'skipped a foreign value in etcd');
      return this.known(key);
    }
  }

  /** The instance of a key as the catalog has it. */
  known(key: string): StoredInstance | undefined {
    const named = parseInstanceKey(key);
    return named && this.#catalog.get(named.service, named.id);
  }

  /** Whether the value of a key was skipped. */
  skips(key: string): boolean {
    return this.#skipped.has(key);
  }

  /** The key is gone. */
  forget(key: string): void {
    this.#skipped.delete(key);
  }
}
