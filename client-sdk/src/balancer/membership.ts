import { slotNameOf } from '@weft/proto';
import type { Instance } from '@weft/proto/registry';
import type { InstanceChanges } from '../discovery/instance-changes.ts';
import { endpointKey, idOfKey } from './endpoint.ts';
import type { Subset, SubsetCandidate } from './subset.ts';

/** What has become of the instances that a client uses. */
export interface MemberChanges {
  /** Used from now on. */
  readonly entered: readonly Instance[];
  /** Used as before, but listed otherwise: another status, weight or metadata. */
  readonly changed: readonly Instance[];
  /** Ids of those no longer used. One that came back as another incarnation is in `entered` too. */
  readonly left: readonly string[];
}

/**
 * The instances of a service as listed, and which of them this client uses: all, or of a large service
 * a subset. Pure; a change costs what it changes.
 */
export class Membership {
  readonly #instances = new Map<string, Instance>();
  #subset: Subset | undefined;
  #usesAll = false;

  /** @param subset chooses those that are used; undefined: all are */
  constructor(subset: Subset | undefined) {
    this.#subset = subset;
  }

  /** Number of listed instances, used or not. */
  get size(): number {
    return this.#instances.size;
  }

  get instances(): Iterable<Instance> {
    return this.#instances.values();
  }

  /** Has another subset choose, from all that are listed, which are used from now on. */
  choose(subset: Subset | undefined): MemberChanges {
    const all = [...this.#instances.values()];
    const usedBefore = new Set(all.filter((instance) => this.#isUsed(instance)));
    this.#subset = this.#usesAll ? undefined : subset;
    this.#subset?.update(all.map(candidateOf));
    return {
      entered: all.filter((instance) => this.#isUsed(instance) && !usedBefore.has(instance)),
      changed: [],
      left: [...usedBefore].filter((instance) => !this.#isUsed(instance)).map(({ id }) => id),
    };
  }

  /** All are used from now on, for good. */
  useAll(): MemberChanges {
    this.#usesAll = true;
    return this.choose(undefined);
  }

  apply({ isComplete, put, removed }: InstanceChanges): MemberChanges {
    const gone = new Map(removed.map(({ id }) => [id, this.#instances.get(id)]));
    if (isComplete) {
      const listed = new Set(put.map(({ id }) => id));
      for (const [id, instance] of this.#instances) if (!listed.has(id)) gone.set(id, instance);
    }
    const added: Instance[] = [];
    const changed: Instance[] = [];
    for (const instance of put) {
      const known = this.#instances.get(instance.id);
      if (known === instance) continue;
      if (known !== undefined && endpointKey(known) === endpointKey(instance)) {
        gone.delete(instance.id);
        changed.push(instance);
      } else {
        if (known !== undefined) gone.set(known.id, known);
        added.push(instance);
      }
    }
    const left = [...gone.values()].filter((instance) => instance !== undefined);
    for (const { id } of left) this.#instances.delete(id);
    for (const instance of [...added, ...changed]) this.#instances.set(instance.id, instance);
    return this.#subset === undefined
      ? { entered: added, changed, left: left.map(({ id }) => id) }
      : this.#applyTo(this.#subset, added, changed, left);
  }

  #isUsed(instance: Instance): boolean {
    return this.#subset === undefined || this.#subset.has(endpointKey(instance));
  }

  #applyTo(
    subset: Subset,
    added: readonly Instance[],
    changed: readonly Instance[],
    gone: readonly Instance[],
  ): MemberChanges {
    const { entered, left } = subset.update(added.map(candidateOf), gone.map(endpointKey));
    return {
      entered: [...entered].flatMap((key) => this.#instances.get(idOfKey(key)) ?? []),
      changed: changed.filter((instance) => subset.has(endpointKey(instance))),
      left: [...left].map(idOfKey),
    };
  }
}

function candidateOf(instance: Instance): SubsetCandidate {
  return { key: endpointKey(instance), name: slotNameOf(instance), zone: instance.zone };
}
