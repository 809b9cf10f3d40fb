import type { EtcdChange, SeenEvent, WatchEntry, WatchHistory } from '../history.ts';
import type { Finding, FindingKind } from './finding.ts';
import { Model, type Step } from './model.ts';

export interface Truth {
  readonly changes: readonly EtcdChange[];
  /** Revisions up to which etcd forgot its past. */
  readonly compactions: readonly number[];
}

/**
 * Holds one watcher against the guarantees of a watch, over all its streams: ordered, unique,
 * reliable and atomic (nothing left out, no revision in part), resumable, bookmarkable (a progress
 * mark is true), and every snapshot the whole set at its revision.
 *
 * What a registry missed since etcd forgot it may come as one difference, at the revision of the list
 * that told it: then each event must be news, and the set after them right.
 */
export function verifyWatch(watch: WatchHistory, truth: Truth): Finding[] {
  const verifier = new WatchVerifier(watch, truth);
  for (const entry of watch.entries) verifier.take(entry);
  return verifier.findings;
}

class WatchVerifier {
  readonly findings: Finding[] = [];
  readonly #watch: WatchHistory;
  readonly #truth: Truth;
  #model: Model;
  #held = new Map<string, string>();
  /** The last revision seen; undefined before the first snapshot. */
  #last: number | undefined;
  #replica = 0;
  #atMs = 0;
  /** The revision that the stream went on after, while nothing has come of it yet. */
  #resumedFrom: number | undefined;

  constructor(watch: WatchHistory, truth: Truth) {
    this.#watch = watch;
    this.#truth = truth;
    this.#model = new Model(truth.changes, watch.services);
  }

  take(entry: WatchEntry): void {
    this.#atMs = entry.atMs;
    switch (entry.kind) {
      case 'open':
        this.#replica = entry.replica;
        this.#resumedFrom = entry.from;
        if (entry.from === undefined) this.#startOver();
        return;
      case 'malformed':
        this.#find('malformed-message', this.#last ?? 0, entry.message);
        return;
      case 'snapshot':
        this.#snapshot(entry.revision, entry.instances);
        break;
      case 'events':
        this.#events(entry.revision, entry.events);
        break;
      case 'progress':
        this.#progress(entry.revision);
        break;
      case 'end':
        return;
    }
    this.#resumedFrom = undefined;
  }

  #startOver(): void {
    this.#model = new Model(this.#truth.changes, this.#watch.services);
    this.#held = new Map();
    this.#last = undefined;
  }

  #snapshot(revision: number, instances: readonly { key: string; content: string }[]): void {
    if (this.#last !== undefined && revision < this.#last) {
      this.#find('not-ordered', revision, `a snapshot went back from ${this.#last}`);
      this.#startOver();
    }
    this.#model.to(revision);
    this.#last = revision;
    this.#held = new Map(instances.map(({ key, content }) => [key, content]));
    if (this.#held.size < instances.length) {
      this.#find('wrong-snapshot', revision, 'an instance is in it twice');
    }
    const wrong = this.#model.differences(this.#held);
    if (wrong.length === 0) return;
    this.#find('wrong-snapshot', revision, listed(wrong));
    this.#believeModel();
  }

  #events(revision: number, events: readonly SeenEvent[]): void {
    for (const [at, group] of Map.groupBy(events, (event) => event.revision)) {
      this.#revision(at, group);
    }
    const last = events.at(-1)?.revision;
    if (last !== revision) {
      this.#find('malformed-message', revision, `its last event is of revision ${last}`);
    }
  }

  /** All that a message tells of one revision. */
  #revision(revision: number, events: readonly SeenEvent[]): void {
    const last = this.#last;
    if (last === undefined) {
      this.#find('malformed-message', revision, 'events came before any snapshot');
      return;
    }
    if (revision <= last) {
      const kind = revision === last ? 'duplicate-event' : 'not-ordered';
      this.#find(kind, revision, `events after revision ${last}: ${events.map(({ key }) => key)}`);
      return;
    }
    const steps = this.#model.to(revision);
    const wrong = compare(steps, events);
    const isNews = events.map((event) => this.#apply(event)).every(Boolean);
    const isRight = this.#model.differences(this.#held).length === 0;
    const isDifference = isNews && isRight && this.#isForgotten(last, revision);
    this.#last = revision;
    if (wrong.length === 0 || isDifference) return;
    for (const { kind, message } of wrong) this.#find(kind, revision, message);
    this.#believeModel();
  }

  /** Whether an event says what the watcher did not know. */
  #apply({ type, key, content }: SeenEvent): boolean {
    if (type === 'delete') return this.#held.delete(key);
    const isNews = this.#held.get(key) !== content;
    this.#held.set(key, content);
    return isNews;
  }

  #progress(revision: number): void {
    const last = this.#last;
    if (last === undefined) {
      this.#find('malformed-message', revision, 'a progress mark came before any snapshot');
      return;
    }
    if (revision < last) {
      this.#find('not-ordered', revision, `a progress mark went back from ${last}`);
      return;
    }
    const missing = this.#model.to(revision).filter(({ isOptional }) => !isOptional);
    this.#last = revision;
    if (missing.length === 0) return;
    const state = this.#model.differences(this.#held);
    if (state.length === 0 && this.#isForgotten(last, revision)) return;
    const names = missing.map(nameOf);
    this.#find('false-progress', revision, `it was not told of ${listed(names)}`);
    this.#believeModel();
  }

  /** Whether etcd forgot some of what came after `last`, so that only the difference can be told. */
  #isForgotten(last: number, revision: number): boolean {
    return this.#truth.compactions.some((compacted) => last < compacted && compacted <= revision);
  }

  /** One defect is told once. */
  #believeModel(): void {
    const held = [...this.#model.held];
    this.#held = new Map(held.map(([key, { content }]) => [key, content]));
  }

  #find(kind: FindingKind, revision: number, message: string): void {
    const from = this.#resumedFrom;
    const found = from === undefined ? message : `first after going on from ${from}: ${message}`;
    const who = this.#watch.name;
    this.findings.push({
      kind,
      atMs: this.#atMs,
      who,
      replica: this.#replica,
      revision,
      message: found,
    });
  }
}

const nameOf = ({ type, key, revision }: { type: string; key: string; revision: number }) =>
  `${type} ${key}@${revision}`;

function listed(items: readonly string[]): string {
  const more = items.length > 5 ? ` and ${items.length - 5} more` : '';
  return `${items.slice(0, 5).join(', ')}${more}`;
}

/** What one revision's events have against the steps of the history since the one before. */
function compare(steps: readonly Step[], events: readonly SeenEvent[]) {
  const wrong: { kind: FindingKind; message: string }[] = [];
  const expected = new Map(steps.map((step) => [nameOf(step), step]));
  const seen = new Set<string>();
  for (const event of events) {
    const name = nameOf(event);
    const step = expected.get(name);
    if (seen.has(name)) wrong.push({ kind: 'duplicate-event', message: name });
    else if (step === undefined) wrong.push({ kind: 'unexpected-event', message: name });
    else if (step.content !== event.content && !step.isOptional) {
      const message = `${name} brings ${event.content}, etcd has ${step.content}`;
      wrong.push({ kind: 'wrong-content', message });
    }
    expected.delete(name);
    seen.add(name);
  }
  const missing = [...expected.values()].filter(({ isOptional }) => !isOptional);
  if (missing.length > 0) {
    wrong.push({ kind: 'missing-event', message: listed(missing.map(nameOf)) });
  }
  return wrong;
}
