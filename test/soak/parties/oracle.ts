import { messageOf, pause } from '@weft/proto';
import { EtcdClient } from '../../../registry/src/store/etcd-client.ts';
import { SERVICES_PREFIX } from '../../../registry/src/store/etcd-keys.ts';
import type { KeyValue } from '../../../registry/src/store/etcd-keyspace.ts';
import { decodeRecord } from '../../../registry/src/store/etcd-record.ts';
import type { TestEtcd } from '../../support/etcd.ts';
import type { EtcdChange } from '../history.ts';
import type { Recorder } from '../recorder.ts';

/** What `etcdctl get -w json` prints, as far as it is read here. */
interface Listing {
  header: { revision: number };
  kvs?: { key: string; mod_revision: number }[];
}

/** Takes down etcd's own history of the prefix, from the first revision on, straight from etcd. */
export class Oracle {
  readonly #recorder: Recorder;
  readonly #etcd: TestEtcd;
  readonly #client: EtcdClient;
  readonly #closer = new AbortController();
  readonly #running: Promise<void>;
  /** Of each key that is there: its revision. */
  readonly #keys = new Map<string, number>();
  #revision = 0;
  #failure: unknown;

  constructor(recorder: Recorder, etcd: TestEtcd) {
    this.#recorder = recorder;
    this.#etcd = etcd;
    this.#client = new EtcdClient([etcd.endpoint]);
    this.#running = this.#run();
  }

  /** The last revision taken down: etcd may forget what came up to it. */
  get revision(): number {
    return this.#revision;
  }

  /** The keys there are, `service/id`. */
  get keys(): string[] {
    return [...this.#keys.keys()];
  }

  /** The lease of a key, as last put. */
  leaseOf(key: string): string | undefined {
    return this.#recorder.changes.findLast((change) => change.key === key)?.leaseId;
  }

  /**
   * Resolves once all that etcd has is taken down, and is what etcdctl lists.
   * @throws Error when it is not: nothing that was found can be trusted then.
   */
  async complete(): Promise<void> {
    const end = performance.now() + 10_000;
    for (;;) {
      const printed = await this.#etcd.ctl('get', '--prefix', SERVICES_PREFIX, '-w', 'json');
      const { kvs = [] } = JSON.parse(printed) as Listing;
      const listed = kvs.map(({ key, mod_revision }) => `${nameOf(key)}@${mod_revision}`);
      const known = [...this.#keys].map(([key, revision]) => `${key}@${revision}`);
      if (listed.sort().join() === known.sort().join()) return;
      if (performance.now() > end) {
        const cause = this.#failure;
        throw new Error(`the history of etcd is incomplete: ${known} against ${listed}`, { cause });
      }
      await pause(50, this.#closer.signal);
    }
  }

  async close(): Promise<void> {
    this.#closer.abort();
    await this.#running;
    this.#client.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closer;
    while (!signal.aborted) {
      const ended = Promise.withResolvers<void>();
      const onAbort = () => ended.resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      try {
        const cancel = await this.#client.watch(SERVICES_PREFIX, BigInt(this.#revision + 1), {
          created: () => {},
          changed: (changes) => {
            for (const change of changes) this.#take(change);
          },
          ended: ({ message }) => {
            this.#failure = message;
            ended.resolve();
          },
        });
        await ended.promise;
        cancel();
      } catch (error) {
        this.#failure = messageOf(error);
      }
      signal.removeEventListener('abort', onAbort);
      await pause(100, signal);
    }
  }

  #take({ isDelete, keyValue }: { isDelete: boolean; keyValue: KeyValue }): void {
    const { recorder, revision } = {
      recorder: this.#recorder,
      revision: Number(keyValue.modRevision),
    };
    const key = keyValue.key.slice(SERVICES_PREFIX.length);
    if (isDelete) this.#keys.delete(key);
    else this.#keys.set(key, revision);
    this.#revision = revision;
    const at = { atMs: recorder.nowMs, revision, key };
    recorder.changes.push(
      isDelete ? { ...at, type: 'delete' } : { ...at, ...this.#read(keyValue) },
    );
  }

  #read(keyValue: KeyValue): Pick<EtcdChange, 'type' | 'content' | 'leaseId'> {
    try {
      const { content, leaseId } = this.#recorder.contents.seen(decodeRecord(keyValue));
      return { type: 'put', content, leaseId };
    } catch {
      return { type: 'foreign' };
    }
  }
}

function nameOf(base64: string): string {
  return Buffer.from(base64, 'base64').toString().slice(SERVICES_PREFIX.length);
}
