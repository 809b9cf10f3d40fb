import { resourceExhausted } from '@weft/proto';
import type { Snapshot, WatchResponse } from '@weft/proto/registry';
import { ANSWER_BYTES, inParts, instanceBytes, PART_BYTES } from './message-size.ts';
import type { Catalog } from './store/catalog.ts';
import type { StoreEvent } from './store/event-log.ts';

/** Changes per message. */
const BATCH = 256;

/** What a watcher has to know of what happened to the catalog. */
export type WatcherNotice =
  | { kind: 'events'; events: readonly StoreEvent[] }
  | { kind: 'reset' }
  | { kind: 'stale' };

export interface WatcherOptions {
  catalog: Catalog;
  /** Whom to follow; undefined for all. */
  services?: ReadonlySet<string> | undefined;
  /** Go on after this revision; undefined for a snapshot first. */
  fromRevision?: bigint | undefined;
  /** Changes held for a watcher that does not read. */
  maxPending: number;
  /** Calls what wakes a watcher, now or in its turn. Default: now. */
  inTurn?: (wake: () => void) => void;
}

/**
 * One client's watch: what it has yet to be sent. Holds at most `maxPending` changes; a watcher that
 * lets them pile up further fails with RESOURCE_EXHAUSTED.
 */
export class Watcher {
  readonly #catalog: Catalog;
  readonly #services: ReadonlySet<string> | undefined;
  readonly #maxPending: number;
  readonly #inTurn: (wake: () => void) => void;
  #pending: StoreEvent[] = [];
  /** What is left to be sent of a snapshot; what happened since then is pending. */
  #parts: Snapshot[] = [];
  #needsSnapshot: boolean;
  #needsProgress = true;
  #failure: Error | undefined;
  #wake: () => void = () => {};
  #isTurnTaken = false;
  #signal: AbortSignal | undefined;
  #isEnded = false;

  constructor(options: WatcherOptions) {
    const { catalog, services, fromRevision, maxPending, inTurn = (wake) => wake() } = options;
    this.#catalog = catalog;
    this.#services = services;
    this.#maxPending = maxPending;
    this.#inTurn = inTurn;
    const missed = fromRevision === undefined ? undefined : catalog.eventsSince(fromRevision);
    this.#needsSnapshot = missed === undefined || missed.length > maxPending;
    if (!this.#needsSnapshot) this.#pending = this.#followed(missed ?? []);
  }

  /** Whether it let too much pile up. */
  get isCutOff(): boolean {
    return this.#failure !== undefined;
  }

  /** Takes note of what happened to the catalog; of changes, those to the services it follows. */
  notice(notice: WatcherNotice): void {
    if (this.#failure !== undefined) return;
    if (notice.kind === 'reset') this.#needsSnapshot = true;
    if (notice.kind === 'stale') this.#needsProgress = true;
    if (notice.kind === 'events' && !this.#needsSnapshot) {
      const { events } = notice;
      if (events.length > this.#maxPending) this.#needsSnapshot = true;
      else if (this.#pending.length + events.length > this.#maxPending) this.#overflow();
      else for (const event of events) this.#pending.push(event);
    }
    if (this.#needsSnapshot) this.#pending = [];
    if (this.#hasNews) this.#stir();
  }

  /** Has it say where it is: with what is new, or else by a progress mark. */
  speak(): void {
    this.#needsProgress = true;
    this.#stir();
  }

  /**
   * The next message: what is new, or a progress mark after `quietMs` with nothing new.
   * Undefined once `signal` aborts.
   */
  async next(quietMs: number, signal: AbortSignal): Promise<WatchResponse | undefined> {
    this.#endWith(signal);
    if (!this.#hasNews && !this.#isEnded) await this.#news(quietMs);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isEnded) return undefined;
    const common = { stale: this.#catalog.isStale, acknowledge: false };
    const { revision } = this.#catalog;
    this.#needsProgress = false;
    // A snapshot begun is sent to its end, even if another one has to follow.
    const part = this.#parts.shift();
    if (part !== undefined) return { snapshot: part, ...common };
    const events = this.#needsSnapshot ? [] : this.#take();
    if (this.#needsSnapshot) return { snapshot: this.#beginSnapshot(revision), ...common };
    const last = events.at(-1);
    if (last === undefined) return { progress: { revision }, ...common };
    return { events: { events, revision: last.revision }, ...common };
  }

  get #hasNews(): boolean {
    return (
      this.#parts.length > 0 ||
      this.#needsSnapshot ||
      this.#needsProgress ||
      this.#pending.length > 0 ||
      this.#failure !== undefined
    );
  }

  /** Listens to a signal once, not with each message. */
  #endWith(signal: AbortSignal): void {
    if (signal === this.#signal) return;
    this.#signal = signal;
    this.#isEnded = signal.aborted;
    const end = () => {
      if (signal !== this.#signal) return;
      this.#isEnded = true;
      this.#wake();
    };
    signal.addEventListener('abort', end, { once: true });
  }

  /** Wakes it in its turn, unless what is new has gone out by then. */
  #stir(): void {
    if (this.#isTurnTaken) return;
    this.#isTurnTaken = true;
    this.#inTurn(() => {
      this.#isTurnTaken = false;
      if (this.#hasNews) this.#wake();
    });
  }

  async #news(quietMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, quietMs);
    await promise;
    clearTimeout(timer);
    this.#wake = () => {};
  }

  #followed(events: readonly StoreEvent[]): StoreEvent[] {
    const services = this.#services;
    if (services === undefined) return [...events];
    return events.filter(({ instance }) => services.has(instance.service));
  }

  /** Parts the set as it stands into messages; answers the first. */
  #beginSnapshot(revision: bigint): Snapshot {
    const names = this.#services === undefined ? this.#catalog.services : [...this.#services];
    const instances = names.flatMap((name) => this.#catalog.instances(name));
    const parts = [...inParts(instances, instanceBytes)];
    const [first = [], ...rest] = parts;
    const { history } = this.#catalog;
    this.#needsSnapshot = false;
    this.#pending = [];
    this.#parts = rest.map((part, index) => {
      return { instances: part, revision, more: index < rest.length - 1, history };
    });
    return { instances: first, revision, more: rest.length > 0, history };
  }

  /**
   * The next batch; never part of a revision, since watches go on after a revision. One revision too
   * large for a message (a repair of the catalog) makes a snapshot due instead.
   */
  #take(): StoreEvent[] {
    const pending = this.#pending;
    let end = 0;
    let bytes = 0;
    while (end < pending.length) {
      const revision = pending[end]?.revision;
      let next = end;
      let more = 0;
      for (let event = pending[next]; event?.revision === revision; event = pending[next]) {
        if (event === undefined) break;
        more += instanceBytes(event.instance);
        next += 1;
      }
      if (end > 0 && (next > BATCH || bytes + more > PART_BYTES)) break;
      end = next;
      bytes += more;
    }
    if (bytes > ANSWER_BYTES) this.#needsSnapshot = true;
    return this.#needsSnapshot ? [] : pending.splice(0, end);
  }

  #overflow(): void {
    this.#pending = [];
    this.#failure = resourceExhausted(
      `this watch reads too slowly: more than ${this.#maxPending} changes wait; watch again from the last revision it has seen`,
      { reason: 'WATCH_TOO_SLOW', metadata: { max_pending: `${this.#maxPending}` } },
    );
  }
}
