import type { DrainHolder, WatchResponse } from '@weft/proto/registry';

/** A watch as its client asks for it. */
export interface WatchTerms {
  /** Who watches, for people. */
  client: string;
  /** Names it in acknowledgements; empty: it makes none. */
  watchId: string;
  /** The services it follows; undefined for all. */
  services: ReadonlySet<string> | undefined;
  /** The revision it goes on from, 0n for one of another history; undefined for one that knows nothing yet. */
  fromRevision: bigint | undefined;
}

/** A watch in the book, until disposed of. */
export interface BookedWatch extends Disposable {
  /** Records a response that is about to be sent. @returns whether the client has to acknowledge it */
  sending(response: WatchResponse): boolean;
}

/**
 * How long a client that lost its registry may take to watch again, in ms. It gives up a replica that says nothing
 * after 3 s, waits up to 2 s before the next try, and 1 s for a connection; machines may be busy as well.
 */
export const RETURN_MS = 8000;

/** After how long a client that has not acknowledged is asked again, in ms: it gives up an answer after 2 s. */
const AGAIN_MS = 3000;

/** Watches that broke off and are remembered, at most; the oldest are forgotten first. */
const MOST_LOST = 10_000;

interface Entry {
  readonly terms: WatchTerms;
  /** Has its watch say something, if only a progress mark. */
  readonly speak: () => void;
  /** Its client routes by this revision of this history, or a later one. */
  revision: bigint;
  history: string;
  /** What it was last asked to acknowledge, and when. */
  asked: bigint;
  askedAtMs: number;
  /** Whether that has yet to be said. */
  isToAsk: boolean;
  /** Whether its client has been sent nothing to route by. */
  knowsNothing: boolean;
}

/** The watch of a client that may still route by what it was sent, and that has yet to watch again. */
interface Lost {
  readonly entry: Entry;
  readonly lostAtMs: number;
}

/** What a client routes by, once it has a response; undefined for a part of a snapshot. */
function revisionOf({ snapshot, events, progress }: WatchResponse): bigint | undefined {
  if (snapshot?.more) return undefined;
  return snapshot?.revision ?? events?.revision ?? progress?.revision;
}

const inert: BookedWatch = { sending: () => false, [Symbol.dispose]() {} };

/**
 * By which revision the clients of this replica route their calls, as far as they have said. A client that
 * went on after a revision, or has acknowledged it, routes by nothing older. Clients are asked only if an
 * instance waits for its drain: a thousand acknowledgements of each instance that goes would be a storm.
 *
 * A client whose watch breaks off goes on routing by what it knows. It counts until it watches again, at any
 * replica, or has had the time for that.
 */
export class DrainBook {
  readonly #open = new Map<string, Entry>();
  /** By watch id, in the order in which they were lost. */
  readonly #lost = new Map<string, Lost>();
  readonly #listeners = new Set<() => void>();
  readonly #history: () => string;
  readonly #now: () => number;

  /**
   * @param history of what is served now
   * @param now a monotonic clock, in ms
   */
  constructor(history: () => string, now: () => number = () => performance.now()) {
    this.#history = history;
    this.#now = now;
  }

  /** Watches that are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Enters a watch that begins now.
   * @param revision what the catalog is at: a client that knows nothing yet will not route by anything older
   * @param speak has the watch say something, if only a progress mark
   */
  open(terms: WatchTerms, revision: bigint, speak: () => void): BookedWatch {
    const { watchId } = terms;
    if (watchId === '') return inert;
    const entry: Entry = {
      terms,
      speak,
      revision: terms.fromRevision ?? revision,
      history: this.#history(),
      asked: 0n,
      askedAtMs: 0,
      isToAsk: false,
      knowsNothing: terms.fromRevision === undefined,
    };
    // Another under the same id is the same watch, opened again, perhaps before its loss was noticed.
    this.#open.set(watchId, entry);
    this.#lost.delete(watchId);
    this.#tell();
    return {
      sending: (response) => this.#sending(entry, response),
      [Symbol.dispose]: () => {
        if (this.#open.get(watchId) !== entry) return;
        this.#open.delete(watchId);
        if (!entry.knowsNothing) this.#remember(watchId, entry);
        this.#tell();
      },
    };
  }

  /** The client of a watch routes by `revision`. @returns whether the watch is known */
  acknowledge(watchId: string, revision: bigint): boolean {
    const entry = this.#open.get(watchId) ?? this.#lost.get(watchId)?.entry;
    if (entry !== undefined) this.#advance(entry, revision);
    return entry !== undefined;
  }

  /** The client has closed its watch, and routes no more calls by it. @returns whether the watch is known */
  closed(watchId: string): boolean {
    const isKnown = this.#open.delete(watchId) || this.#lost.delete(watchId);
    if (isKnown) this.#tell();
    return isKnown;
  }

  /**
   * Asks the clients that may still route calls to `service` by something older than `revision` to acknowledge
   * it: each at once, and every 3 s until it has.
   */
  ask(service: string, revision: bigint): void {
    const nowMs = this.#now();
    for (const entry of this.#holding(this.#open.values(), service, revision)) {
      if (entry.asked >= revision && nowMs - entry.askedAtMs < AGAIN_MS) continue;
      if (entry.asked < revision) entry.asked = revision;
      entry.askedAtMs = nowMs;
      entry.isToAsk = true;
      entry.speak();
    }
  }

  /**
   * The clients that may still route calls to `service` by something older than `revision`.
   * @param isBack whether a watch that broke off here is known to be open at another replica
   */
  holders(
    service: string,
    revision: bigint,
    isBack: (watchId: string) => boolean = () => false,
  ): DrainHolder[] {
    const lost = this.#lostEntries(service, revision).filter(({ terms }) => !isBack(terms.watchId));
    return [...this.#holding(this.#open.values(), service, revision), ...lost].map(
      ({ terms: { client, watchId }, revision: acknowledged }) => {
        return { client: client || `watch ${watchId}`, revision: acknowledged, watchId };
      },
    );
  }

  /** The ids of the watches among the holders that broke off. */
  lost(service: string, revision: bigint): string[] {
    return this.#lostEntries(service, revision).map(({ terms }) => terms.watchId);
  }

  isOpen(watchId: string): boolean {
    return this.#open.has(watchId);
  }

  /** Tells `listener` of every change from now on. @returns what ends that */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #sending(entry: Entry, response: WatchResponse): boolean {
    const reached = revisionOf(response);
    if (reached === undefined) return false;
    const { history = entry.history } = response.snapshot ?? {};
    // Its client still routes by the former history, which in this one is nowhere.
    if (history !== entry.history) {
      Object.assign(entry, { history, revision: 0n, asked: 0n, isToAsk: false });
    }
    if (entry.knowsNothing) this.#advance(entry, reached);
    entry.knowsNothing = false;
    if (!entry.isToAsk || entry.revision >= entry.asked) return false;
    entry.isToAsk = reached < entry.asked;
    if (entry.isToAsk) entry.speak();
    return !entry.isToAsk;
  }

  #remember(watchId: string, entry: Entry): void {
    this.#forgetOld();
    this.#lost.set(watchId, { entry, lostAtMs: this.#now() });
    for (const oldest of this.#lost.keys()) {
      if (this.#lost.size <= MOST_LOST) break;
      this.#lost.delete(oldest);
    }
  }

  #forgetOld(): void {
    const before = this.#now() - RETURN_MS;
    for (const [watchId, { lostAtMs }] of this.#lost) {
      if (lostAtMs > before) break;
      this.#lost.delete(watchId);
    }
  }

  #lostEntries(service: string, revision: bigint): Entry[] {
    this.#forgetOld();
    const entries = [...this.#lost.values()].map(({ entry }) => entry);
    return [...this.#holding(entries, service, revision)];
  }

  *#holding(
    entries: Iterable<Entry>,
    service: string,
    revision: bigint,
  ): Generator<Entry, void, undefined> {
    for (const entry of entries) {
      if (entry.terms.services?.has(service) === false) continue;
      if (entry.revision < revision || entry.history !== this.#history()) yield entry;
    }
  }

  #advance(entry: Entry, revision: bigint): void {
    if (revision <= entry.revision) return;
    entry.revision = revision;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
