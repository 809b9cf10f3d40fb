import type { EtcdChange } from '../history.ts';

/** What a key holds by the model. */
export interface Held {
  readonly content: string;
  readonly leaseId: string;
  /**
   * Its key holds a foreign value: a registry may list the last good one that it has known, and drops
   * it when the lease has ended, without a revision of its own.
   */
  readonly isDoubtful: boolean;
}

/** One step of the history as a watch must tell it. */
export interface Step {
  readonly revision: number;
  readonly key: string;
  readonly type: 'put' | 'delete';
  readonly content: string;
  /** Whether it may be left out: the end of what was listed under a foreign value. */
  readonly isOptional: boolean;
}

const serviceOf = (key: string) => key.slice(0, key.indexOf('/'));

/**
 * Walks along etcd's history: the set at a revision, and the steps that led there. Going back needs
 * another one.
 */
export class Model {
  readonly #changes: readonly EtcdChange[];
  readonly #services: ReadonlySet<string> | undefined;
  readonly #held = new Map<string, Held>();
  /** All contents that a key has had so far. */
  readonly #past = new Map<string, Set<string>>();
  #next = 0;

  /** @param services whom to follow; undefined for all */
  constructor(changes: readonly EtcdChange[], services?: readonly string[]) {
    this.#changes = changes;
    this.#services = services && new Set(services);
  }

  /** The set where it stands. */
  get held(): ReadonlyMap<string, Held> {
    return this.#held;
  }

  /** Goes on to `revision`; answers the steps on the way. */
  to(revision: number): Step[] {
    const steps: Step[] = [];
    for (;;) {
      const change = this.#changes[this.#next];
      if (change === undefined || change.revision > revision) return steps;
      this.#next += 1;
      if (this.#services?.has(serviceOf(change.key)) === false) continue;
      const step = this.#take(change);
      if (step !== undefined) steps.push(step);
    }
  }

  /** Every way in which a set is not the one where this stands; none when it is. */
  differences(actual: ReadonlyMap<string, string>): string[] {
    const found: string[] = [];
    for (const [key, { content, isDoubtful }] of this.#held) {
      const seen = actual.get(key);
      if (seen === undefined && !isDoubtful) found.push(`${key} is missing`);
      const isKnown = isDoubtful && this.#past.get(key)?.has(seen ?? '');
      if (seen !== undefined && seen !== content && !isKnown) {
        found.push(`${key} is ${seen}, not ${content}`);
      }
    }
    for (const key of actual.keys()) {
      if (!this.#held.has(key)) found.push(`${key} is there and should not be`);
    }
    return found;
  }

  #take({ revision, key, type, content = '', leaseId = '0' }: EtcdChange): Step | undefined {
    const held = this.#held.get(key);
    if (type === 'put') {
      this.#held.set(key, { content, leaseId, isDoubtful: false });
      const past = this.#past.get(key) ?? new Set();
      this.#past.set(key, past.add(content));
      return { revision, key, type, content, isOptional: false };
    }
    if (type === 'foreign') {
      this.#held.set(key, { content: 'nothing', leaseId, ...held, isDoubtful: true });
      return undefined;
    }
    this.#held.delete(key);
    return held && { revision, key, type, content: held.content, isOptional: held.isDoubtful };
  }
}
