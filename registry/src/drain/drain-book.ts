import type { DrainHolder, WatchResponse } from '@weft/proto/registry';

/** A watch as its client asks for it. */
export interface WatchTerms {
  /** Who watches, for people. */
  client: string;
  /** Names it in acknowledgements; empty: it makes none. */
  watchId: string;
  /** Whom it follows; undefined for all. */
  services: ReadonlySet<string> | undefined;
  /** The revision it goes on from, 0n for one of another history; undefined for one that knows nothing yet. */
  fromRevision: bigint | undefined;
}

/** A watch in the book, until disposed of. */
export interface BookedWatch extends Disposable {
  /** Takes note of a response about to be sent. Answers whether it has to be acknowledged. */
  sending(response: WatchResponse): boolean;
}

/** After how long one that has not answered is asked again, in ms: it gives up an answer after 2 s. */
const AGAIN_MS = 3000;

interface Entry {
  readonly terms: WatchTerms;
  /** Has its watch say something, if only a progress mark. */
  readonly speak: () => void;
  /** It routes by this revision of this history, or a later one. */
  revision: bigint;
  history: string;
  /** What it was last asked to acknowledge, and when. */
  asked: bigint;
  askedAtMs: number;
  /** Whether that has yet to be said. */
  isToAsk: boolean;
}

/** What a client routes by, once it has a response; undefined for a part of a snapshot. */
function revisionOf({ snapshot, events, progress }: WatchResponse): bigint | undefined {
  if (snapshot?.more) return undefined;
  return snapshot?.revision ?? events?.revision ?? progress?.revision;
}

const inert: BookedWatch = { sending: () => false, [Symbol.dispose]() {} };

/**
 * By which revision the clients of this replica route their calls, as far as they have said: who went on
 * after a revision, or has acknowledged it, routes by nothing older. They are asked only when somebody
 * wants to know: a thousand clients that answer to each instance which goes would be a storm.
 */
export class DrainBook {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();
  readonly #history: () => string;

  /** @param history of what is served now */
  constructor(history: () => string) {
    this.#history = history;
  }

  /** Watches that are counted. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Enters a watch that begins now.
   * @param revision what the catalog is at: who knows nothing yet will not route by anything older
   * @param speak has the watch say something, if only a progress mark
   */
  open(terms: WatchTerms, revision: bigint, speak: () => void): BookedWatch {
    const { watchId } = terms;
    if (watchId === '') return inert;
    // Another under the same name is the same watch, opened again before its loss was noticed.
    const entry: Entry = {
      terms,
      speak,
      revision: terms.fromRevision ?? revision,
      history: this.#history(),
      asked: 0n,
      askedAtMs: 0,
      isToAsk: false,
    };
    this.#entries.set(watchId, entry);
    let knowsNothing = terms.fromRevision === undefined;
    this.#tell();
    return {
      sending: (response) => {
        const reached = revisionOf(response);
        if (reached === undefined) return false;
        const { history = entry.history } = response.snapshot ?? {};
        // Its client still routes by the former history, which in this one is nowhere.
        if (history !== entry.history) {
          Object.assign(entry, { history, revision: 0n, asked: 0n, isToAsk: false });
        }
        if (knowsNothing) this.#advance(entry, reached);
        knowsNothing = false;
        if (!entry.isToAsk || entry.revision >= entry.asked) return false;
        entry.isToAsk = reached < entry.asked;
        if (entry.isToAsk) entry.speak();
        return !entry.isToAsk;
      },
      [Symbol.dispose]: () => {
        if (this.#entries.get(watchId) !== entry) return;
        this.#entries.delete(watchId);
        this.#tell();
      },
    };
  }

  /** The client of a watch routes by `revision`. Answers whether there is such a watch. */
  acknowledge(watchId: string, revision: bigint): boolean {
    const entry = this.#entries.get(watchId);
    if (entry !== undefined) this.#advance(entry, revision);
    return entry !== undefined;
  }

  /**
   * Has those who may still route calls to `service` by something older than `revision` acknowledge it:
   * each at once, and every 3 s until it has. `nowMs` is monotonic.
   */
  ask(service: string, revision: bigint, nowMs: number): void {
    for (const entry of this.#holding(service, revision)) {
      if (entry.asked >= revision && nowMs - entry.askedAtMs < AGAIN_MS) continue;
      if (entry.asked < revision) entry.asked = revision;
      entry.askedAtMs = nowMs;
      entry.isToAsk = true;
      entry.speak();
    }
  }

  /** Who may still route calls to `service` by something older than `revision`. */
  holders(service: string, revision: bigint): DrainHolder[] {
    return [...this.#holding(service, revision)].map(({ terms, revision: acknowledged }) => {
      return { client: terms.client || `watch ${terms.watchId}`, revision: acknowledged };
    });
  }

  /** Tells `listener` of every change from now on; the answer ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  *#holding(service: string, revision: bigint): Generator<Entry, void, undefined> {
    for (const entry of this.#entries.values()) {
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
