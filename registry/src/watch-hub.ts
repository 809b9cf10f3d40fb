import { resourceExhausted } from '@weft/proto';
import type { Catalog, CatalogNotice } from './store/catalog.ts';
import type { StoreEvent } from './store/event-log.ts';
import { WakeTurns } from './wake-turns.ts';
import { Watcher } from './watcher.ts';

export interface WatchHubOptions {
  /** Changes held for one watcher that does not read. Default 4096. */
  maxPending?: number;
  /** Watches of one connection; 0 for no limit. Default 1000. */
  maxPerPeer?: number;
}

/** Whom a watcher follows that follows everyone; no service has this name. */
const ALL = '';

/** Fans the changes of one catalog out to any number of watchers; each costs only those it concerns. */
export class WatchHub {
  readonly #catalog: Catalog;
  readonly #options: Required<WatchHubOptions>;
  readonly #watchers = new Set<Watcher>();
  readonly #followers = new Map<string, Set<Watcher>>();
  readonly #perPeer = new Map<string, number>();
  readonly #turns = new WakeTurns();
  readonly #unsubscribe: () => void;
  /** Watches refused because the connection had too many, and watches cut off for not reading. */
  readonly stats = { refused: 0, cutOff: 0 };

  constructor(catalog: Catalog, { maxPending = 4096, maxPerPeer = 1000 }: WatchHubOptions = {}) {
    this.#catalog = catalog;
    this.#options = { maxPending, maxPerPeer };
    this.#unsubscribe = catalog.subscribe((notice) => this.#notice(notice));
  }

  /** Watches open now. */
  get size(): number {
    return this.#watchers.size;
  }

  /**
   * Opens a watch for the connection `peer`; nothing that happens from now on is missed. Dispose of it.
   * @throws RESOURCE_EXHAUSTED when the connection has too many.
   */
  open(
    peer: string,
    what: { services?: ReadonlySet<string> | undefined; fromRevision?: bigint | undefined },
  ): { watcher: Watcher } & Disposable {
    const { maxPending, maxPerPeer } = this.#options;
    const count = this.#perPeer.get(peer) ?? 0;
    if (maxPerPeer > 0 && count >= maxPerPeer) {
      this.stats.refused += 1;
      throw resourceExhausted(
        `this connection has ${count} watches already; one watch can follow many services`,
        { reason: 'TOO_MANY_WATCHES', metadata: { max_watches: `${maxPerPeer}` } },
      );
    }
    const inTurn = (wake: () => void) => this.#turns.add(wake);
    const watcher = new Watcher({ ...what, catalog: this.#catalog, maxPending, inTurn });
    const names = [...(what.services ?? [ALL])];
    this.#watchers.add(watcher);
    for (const name of names) this.#follow(name, watcher);
    this.#perPeer.set(peer, count + 1);
    return {
      watcher,
      [Symbol.dispose]: () => {
        if (!this.#watchers.delete(watcher)) return;
        if (watcher.isCutOff) this.stats.cutOff += 1;
        for (const name of names) this.#unfollow(name, watcher);
        const left = (this.#perPeer.get(peer) ?? 1) - 1;
        if (left === 0) this.#perPeer.delete(peer);
        else this.#perPeer.set(peer, left);
      },
    };
  }

  /** Stops listening to the catalog; open watches get no more. */
  close(): void {
    this.#unsubscribe();
  }

  #notice(notice: CatalogNotice): void {
    if (notice.kind !== 'events') {
      for (const watcher of this.#watchers) watcher.notice(notice);
      return;
    }
    // A watcher of several services gets what concerns it in one, since a revision is never parted.
    const concerned = new Map<Watcher, StoreEvent[]>();
    for (const event of notice.events) {
      for (const name of [event.instance.service, ALL]) {
        for (const watcher of this.#followers.get(name) ?? []) {
          const events = concerned.get(watcher);
          if (events === undefined) concerned.set(watcher, [event]);
          else events.push(event);
        }
      }
    }
    for (const [watcher, events] of concerned) watcher.notice({ kind: 'events', events });
  }

  #follow(name: string, watcher: Watcher): void {
    const followers = this.#followers.get(name) ?? new Set();
    this.#followers.set(name, followers.add(watcher));
  }

  #unfollow(name: string, watcher: Watcher): void {
    const followers = this.#followers.get(name);
    followers?.delete(watcher);
    if (followers?.size === 0) this.#followers.delete(name);
  }
}
