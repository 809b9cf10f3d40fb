import { randomUUID } from 'node:crypto';
import { type Log, pause } from '@weft/proto';
import { EventType } from '@weft/proto/registry';
import { StoreError } from '../errors.ts';
import { isUuid } from '../uuid.ts';
import type { Catalog } from './catalog.ts';
import { differences } from './etcd-audit.ts';
import type { EtcdClient, Position } from './etcd-client.ts';
import { HISTORY_KEY, SERVICES_PREFIX } from './etcd-keys.ts';
import type { KeyValue } from './etcd-keyspace.ts';
import { RecordReader } from './etcd-record.ts';
import type { StoreEvent } from './event-log.ts';
import { FeedStats } from './feed-stats.ts';
import type { StoredInstance } from './stored-instance.ts';

export interface EtcdFeedOptions {
  client: EtcdClient;
  catalog: Catalog;
  log: Log;
  /** How often etcd is asked whether it is there and how far it is. Default 1000. */
  checkMs?: number;
  /** How often all keys are compared with the catalog. Default 60,000. */
  auditMs?: number;
  /**
   * How long a list that lost everything is held back until a second one confirms it. Default 5000.
   */
  confirmMs?: number;
}

const CREATED_MS = 2000;
/** `auditMs` while an instance is listed only because the value that replaced it is none. */
const KEPT_AUDIT_MS = 5000;
const MAX_BACKOFF_MS = 1000;

/** Anyone may write to etcd: what is no name counts as none. */
function historyIn(found: KeyValue | undefined): string {
  return found !== undefined && isUuid(found.value) ? found.value : '';
}

/**
 * Keeps a catalog like etcd, for as long as it lives: one list, then one watch from there on. etcd
 * answering late, never or from another history only makes the catalog stale until it has caught
 * up.
 *
 * A watch can fall silent without an end, so etcd's revision is asked for too; where it moves on
 * and the watch does not, and now and then in any case, the keys are compared (audit). A difference
 * found twice starts the watch anew from a fresh list.
 */
export class EtcdFeed {
  readonly #options: Required<EtcdFeedOptions>;
  readonly #closer = new AbortController();
  readonly stats = new FeedStats();
  #reader: RecordReader;
  #running: Promise<void> | undefined;
  #mustList = true;
  #isAway = false;
  #auditedAtMs = 0;
  /**
   * etcd's revision and ours at the last check, and etcd's at the last audit that found all well.
   */
  #seen = { etcd: 0n, catalog: 0n, audited: 0n };
  #suspects: ReadonlySet<string> = new Set();

  constructor(options: EtcdFeedOptions) {
    this.#options = { checkMs: 1000, auditMs: 60_000, confirmMs: 5000, ...options };
    this.#reader = this.#createReader();
  }

  /** Whether the value of a key in etcd is not a valid instance. */
  skips(key: string): boolean {
    return this.#reader.skips(key);
  }

  /**
   * Brings the catalog to a revision that etcd has come to, at once where no instance has changed
   * up to there. Answers whether it comes to it in time.
   */
  async reach(revision: bigint, withinMs: number): Promise<boolean> {
    const { catalog } = this.#options;
    if (catalog.revision < revision) await this.#advance();
    return catalog.reached(revision, withinMs);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#closer.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closer;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#follow(() => {
          failures = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#setAway(true, error);
      }
      this.#options.catalog.setStale(true);
      const backoffMs = Math.min(MAX_BACKOFF_MS, 50 * 2 ** Math.min(failures, 10));
      await pause(backoffMs * (0.5 + Math.random() / 2), signal);
    }
  }

  /** Follows etcd until the watch ends (by throwing) or a list is needed. */
  async #follow(onFollowing: () => void): Promise<void> {
    const { client, catalog, checkMs } = this.#options;
    await this.#look();
    if (this.#mustList) await this.#relist();
    const created = Promise.withResolvers<void>();
    const ended = new AbortController();
    const cancel = await client.watch(SERVICES_PREFIX, catalog.revision + 1n, {
      created: created.resolve,
      changed: (changes) => this.#apply(changes),
      ended: ({ compacted, message }) => {
        if (compacted) {
          this.stats.compactions += 1;
          this.#mustList = true;
        }
        ended.abort(new Error(`the watch ended: ${message}`));
        created.resolve();
      },
    });
    const signal = AbortSignal.any([this.#closer.signal, ended.signal]);
    try {
      const late = pause(CREATED_MS, signal).then(() => 'late' as const);
      if ((await Promise.race([created.promise, late])) === 'late') {
        throw new Error(`etcd did not take the watch within ${CREATED_MS} ms`);
      }
      onFollowing();
      this.stats.watches += 1;
      this.#auditedAtMs = Number.NEGATIVE_INFINITY;
      while (!signal.aborted && !this.#mustList) {
        catalog.setStale(!(await this.#check()) || signal.aborted);
        await pause(checkMs, signal);
      }
      if (!this.#mustList) signal.throwIfAborted();
    } finally {
      ended.abort();
      cancel();
    }
  }

  /** Whether etcd answers and the catalog is, for all that can be told, like it. */
  async #check(): Promise<boolean> {
    const { catalog, auditMs } = this.#options;
    let position: Position;
    try {
      position = await this.#look();
      if (!this.#mustList && position.revision > catalog.revision) await this.#advance();
    } catch (error) {
      this.#setAway(true, error);
      return false;
    }
    this.#setAway(false);
    if (this.#mustList) return false;
    const seen = this.#seen;
    const isBehind = seen.etcd > catalog.revision && seen.catalog === catalog.revision;
    this.#seen = { ...seen, etcd: position.revision, catalog: catalog.revision };
    const dueMs = this.#reader.kept.length > 0 ? Math.min(auditMs, KEPT_AUDIT_MS) : auditMs;
    const isDue = performance.now() - this.#auditedAtMs >= dueMs;
    if (isDue || this.#suspects.size > 0 || (isBehind && position.revision > seen.audited)) {
      await this.#audit().catch((error) => this.#setAway(true, error));
    }
    return !this.#isAway && !this.#mustList;
  }

  /**
   * Brings the catalog to etcd's revision where etcd moved on elsewhere: no key was written since,
   * and there are as many as before, so none was deleted either. Changes that the watch has yet to
   * bring keep it where it is.
   */
  async #advance(): Promise<void> {
    const { client, catalog } = this.#options;
    const from = catalog.revision;
    const answer = await client.changedSince(SERVICES_PREFIX, from);
    if (this.#mustList || answer.isChanged || catalog.revision !== from) return;
    if (answer.count === this.#reader.keyCount) catalog.skipTo(answer.revision);
  }

  /** Compares every key with the catalog; what is found twice in a row means a fresh list. */
  async #audit(): Promise<void> {
    const { client, catalog, log } = this.#options;
    const keys = client.list(SERVICES_PREFIX, { keysOnly: true });
    const { found, revision } = await differences(keys, catalog, this.#reader.skipped);
    const confirmed = [...found].filter((difference) => this.#suspects.has(difference));
    if (confirmed.length > 0) {
      this.stats.differences += confirmed.length;
      log.warn({ differences: confirmed.slice(0, 10) }, 'the watch missed changes; listing anew');
      this.#mustList = true;
    }
    const isSecond = this.#suspects.size > 0;
    this.#suspects = isSecond ? new Set() : found;
    if (found.size === 0) catalog.skipTo(revision);
    else if (!isSecond) return;
    this.#auditedAtMs = performance.now();
    this.#seen.audited = revision;
    if (found.size === 0) await this.#dropDead();
  }

  /**
   * Drops who is listed by a last good record, overwritten since, once its lease has ended: the key
   * hangs on that lease no more, and would keep it listed for ever.
   */
  async #dropDead(): Promise<void> {
    const { client, catalog, log } = this.#options;
    const dead = new Set<StoredInstance>();
    for (const instance of this.#reader.kept) {
      if (!(await client.isLeaseAlive(instance.leaseId))) dead.add(instance);
    }
    if (dead.size === 0) return;
    // What the watch has brought meanwhile is another instance.
    const isGone = (instance: StoredInstance) => dead.has(instance);
    const listed = catalog.services.flatMap((service) => catalog.instances(service));
    if (!listed.some(isGone)) return;
    log.warn({ instances: dead.size }, 'dropped instances whose lease ended under a foreign value');
    const left = listed.filter((instance) => !isGone(instance));
    catalog.replace(left, catalog.revision);
  }

  /** Where etcd is. Asks for a list when its history is not the one of the catalog. */
  async #look(): Promise<Position> {
    const { client, catalog, log } = this.#options;
    // What the watch brings before the answer does not make it one of an older history.
    const known = catalog.revision;
    const { found, revision } = await client.get(HISTORY_KEY);
    if (this.#mustList || (historyIn(found) === catalog.history && revision >= known)) {
      return { revision };
    }
    log.warn(
      { revision: `${revision}`, known: `${known}` },
      'etcd began anew, or was restored; listing anew',
    );
    this.#mustList = true;
    return { revision };
  }

  /**
   * The name of etcd's history; gives it one where it has none, and another where it was restored
   * to what it was before. Empty when etcd is full: then it goes without.
   */
  async #history(): Promise<string> {
    const { client, catalog } = this.#options;
    const { found, revision } = await client.get(HISTORY_KEY);
    const named = historyIn(found);
    const isRestored = named === catalog.history && revision < catalog.revision;
    if (named !== '' && !isRestored) return named;
    const put = { key: HISTORY_KEY, leaseId: 0n, modRevision: found?.modRevision ?? 0n };
    const value = randomUUID();
    try {
      const [outcome] = await client.putEachIf([{ ...put, value }]);
      return outcome?.kind === 'changed' ? historyIn(outcome.found) : value;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'no-space') return '';
      throw error;
    }
  }

  #createReader(): RecordReader {
    const { catalog, log } = this.#options;
    return new RecordReader(catalog, log, this.stats);
  }

  /**
   * Everything in etcd. The values are read page by page, so that nothing else waits for all of
   * them.
   */
  async #list() {
    const reader = this.#createReader();
    const instances: StoredInstance[] = [];
    let position: Position = { revision: 0n };
    let keys = 0;
    for await (const { keyValues, ...at } of this.#options.client.list(SERVICES_PREFIX)) {
      position = at;
      keys += keyValues.length;
      for (const keyValue of keyValues) {
        const instance = reader.read(keyValue);
        if (instance !== undefined) instances.push(instance);
      }
    }
    return { position, instances, reader, isEmpty: keys === 0 };
  }

  async #relist(): Promise<void> {
    const { catalog, confirmMs, log } = this.#options;
    let history = await this.#history();
    let list = await this.#list();
    const isLoss = list.isEmpty || history !== catalog.history;
    if (isLoss && catalog.size > 0) {
      // Its instances are about to register again: until then the old set is the better one.
      log.warn({ instances: catalog.size }, 'etcd lost what it held; asking again');
      await pause(confirmMs, this.#closer.signal);
      history = await this.#history();
      list = await this.#list();
    }
    const { position, instances, reader } = list;
    catalog.replace(instances, position.revision, history);
    // The list is current. A first answer marked stale would make clients doubt what they learn
    // later.
    catalog.setStale(false);
    this.#reader = reader;
    this.#suspects = new Set();
    this.#seen = { etcd: 0n, catalog: 0n, audited: position.revision };
    this.#mustList = false;
    this.stats.relists += 1;
    log.info({ revision: `${position.revision}`, instances: instances.length }, 'read all of etcd');
  }

  /** Takes what the watch brings, revision by revision: in one, a key changes once. */
  #apply(changes: readonly { isDelete: boolean; keyValue: KeyValue }[]): void {
    const { catalog } = this.#options;
    const byRevision = Map.groupBy(changes, ({ keyValue }) => keyValue.modRevision);
    for (const [revision, group] of byRevision) {
      const events = group.map(({ isDelete, keyValue }): StoreEvent | undefined => {
        if (isDelete) {
          this.#reader.forget(keyValue.key);
          const instance = this.#reader.known(keyValue.key);
          return instance && { type: EventType.EVENT_TYPE_DELETE, instance, revision };
        }
        const instance = this.#reader.read(keyValue);
        if (instance?.modRevision !== revision) return undefined;
        return { type: EventType.EVENT_TYPE_PUT, instance, revision };
      });
      const told = events.filter((event) => event !== undefined);
      if (revision > catalog.revision) {
        catalog.apply(told);
        catalog.advance(revision);
      } else if (told.length > 0) {
        // The catalog has skipped to a later revision, at which these changes have cancelled out.
        catalog.retell();
      }
    }
  }

  #setAway(isAway: boolean, error?: unknown): void {
    const { catalog, log } = this.#options;
    if (isAway === this.#isAway) return;
    this.#isAway = isAway;
    if (isAway) log.warn({ err: error }, 'etcd is away; reads go on from memory');
    else log.info({ revision: `${catalog.revision}` }, 'etcd answers again');
  }
}
