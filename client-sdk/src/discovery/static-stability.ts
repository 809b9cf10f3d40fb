import { addressText } from '@weft/proto';
import { type Instance, InstanceStatus } from '@weft/proto/registry';
import type { InstanceChanges, Kept, RegistryTrouble } from './instance-changes.ts';

/** How the registry fares as it tells something. */
export interface RegistryState {
  /** Its store is away. */
  readonly isStale: boolean;
  /** Its store began anew: the snapshot does not continue what the registry told before. */
  readonly isReplaced: boolean;
}

/** The shortest time for which a loss is doubted, in ms. */
export const LEAST_DOUBT_MS = 10_000;

/**
 * How long a loss is doubted, as a share of the TTL. An instance renews its lease at a third of the
 * TTL. If the registry has lost the lease, the instance then learns so and registers again.
 */
const DOUBTED_SHARE = 0.5;

/**
 * Decides which losses of instances are believed (static stability: a client lives on by what it
 * knew). Pure; times are monotonic, in ms.
 *
 * If its store was wiped, or if it was away for longer than the leases live, a registry lists no
 * instances until they have registered again. A loss is therefore doubted until the registry has been
 * well (watched without a break, its store there) for half of the instance's TTL, and for 10 s at the
 * least.
 *
 * If more than `protectedShare` of the instances are lost in doubt, the client keeps all of them.
 * It keeps each one until it is listed again or another instance has its address. When the doubt
 * ends, the client gives up the rest: a live instance has registered again by then. Meanwhile the
 * balancer finds out which instances respond.
 *
 * The loss of an instance that was leaving (STOPPING, STOPPED) is always believed, and so is every loss
 * while all is well.
 */
export class StaticStability {
  readonly #protectedShare: number;
  /** What is published: all that are listed, and those that are kept. */
  readonly #published = new Map<string, Instance>();
  /** Lost in doubt, as they were last; the oldest loss first. */
  readonly #lost = new Map<string, Instance>();
  #isKeeping = false;
  /** Size of the last good snapshot: no more than this many are kept. */
  #mostKept = 0;
  #trouble: RegistryTrouble = 'the watch broke';
  /** Since when the registry has been well; undefined while it is not. */
  #wellSince: number | undefined = Number.NEGATIVE_INFINITY;

  /** @param protectedShare of the instances, 0 to 1, that may be lost in doubt; 1: all may */
  constructor(protectedShare: number) {
    this.#protectedShare = protectedShare;
  }

  /** What is published, as a new list. */
  get instances(): readonly Instance[] {
    return [...this.#published.values()];
  }

  /** What is kept; undefined when nothing is. */
  get kept(): Kept | undefined {
    return this.#isKeeping ? { count: this.#lost.size, reason: this.#trouble } : undefined;
  }

  /** When what is kept is given up, unless told otherwise; undefined: not as things stand. */
  get givenUpAt(): number | undefined {
    if (!this.#isKeeping || this.#wellSince === undefined) return undefined;
    return this.#wellSince + doubtMs(this.#lost.values());
  }

  /** The watch broke: nothing is told until it goes on. */
  broke(): void {
    this.#troubled('the watch broke');
    this.#wellSince = undefined;
  }

  /**
   * Takes what the registry tells; without `changes`, that it lives.
   * @returns what is to be published; undefined when nothing is
   */
  told(
    changes: InstanceChanges | undefined,
    { isStale, isReplaced }: RegistryState,
    now: number,
  ): InstanceChanges | undefined {
    if (isReplaced) this.#troubled('the registry began anew');
    if (isStale) this.#troubled('the registry lost its store');
    if (isStale) this.#wellSince = undefined;
    else if (isReplaced) this.#wellSince = now;
    else this.#wellSince ??= now;
    return changes && this.#weigh(changes, now);
  }

  /** Gives up what is kept. @returns what is to be published */
  giveUp(revision: bigint): InstanceChanges {
    const removed = [...this.#lost.values()];
    for (const { id } of removed) this.#published.delete(id);
    this.#forgetLost();
    return { isComplete: false, put: [], removed, revision };
  }

  #troubled(trouble: RegistryTrouble): void {
    // What follows from one trouble is part of it.
    if (this.#isKeeping || this.#wellSince === undefined) return;
    // Earlier losses were believed, and have nothing to do with those to come.
    this.#forgetLost();
    this.#trouble = trouble;
  }

  #weigh(changes: InstanceChanges, now: number): InstanceChanges {
    const { isComplete, put, revision } = changes;
    const gone = this.#sort(changes, now);
    const kept = this.#keep(gone);
    for (const id of gone.keys()) this.#published.delete(id);
    for (const instance of put) this.#published.set(instance.id, instance);
    return {
      isComplete,
      put: isComplete ? this.instances : [...put, ...kept],
      removed: [...gone.values()],
      revision,
    };
  }

  /**
   * Sorts losses into those to doubt and, answered, those to believe; ends the doubt about who is
   * back.
   */
  #sort({ put, removed }: InstanceChanges, now: number): Map<string, Instance> {
    const gone = new Map<string, Instance>();
    const returned = new Set(put.map(({ id }) => id));
    for (const instance of removed) {
      const { id } = instance;
      if (returned.has(id) || !this.#published.has(id)) continue;
      if (this.#isDoubtful(instance, now)) {
        if (this.#lost.size === 0) this.#mostKept = this.#published.size;
        this.#lost.set(id, instance);
      } else {
        gone.set(id, instance);
      }
    }
    if (this.#lost.size > 0) this.#dropReturned(put, gone);
    return gone;
  }

  /** Who is listed again is no longer lost; whose address another has now is gone for good. */
  #dropReturned(put: readonly Instance[], gone: Map<string, Instance>): void {
    const addresses = new Set(put.map(({ address }) => addressText(address)));
    for (const { id } of put) this.#lost.delete(id);
    for (const [id, instance] of this.#lost) {
      if (!addresses.has(addressText(instance.address))) continue;
      this.#lost.delete(id);
      if (this.#published.has(id)) gone.set(id, instance);
    }
  }

  /**
   * Keeps all that are lost, if they are too many; else lets them go too, and adds them to `gone`.
   * @returns those kept that were let go before
   */
  #keep(gone: Map<string, Instance>): Instance[] {
    const restored: Instance[] = [];
    for (const [id, instance] of this.#lost) {
      if (this.#lost.size <= this.#mostKept) break;
      this.#lost.delete(id);
      if (this.#published.has(id)) gone.set(id, instance);
    }
    if (this.#lost.size === 0) this.#forgetLost();
    else this.#isKeeping ||= this.#lost.size > this.#protectedShare * this.#mostKept;
    for (const [id, instance] of this.#lost) {
      if (!this.#isKeeping) {
        if (this.#published.has(id)) gone.set(id, instance);
      } else if (!this.#published.has(id)) {
        this.#published.set(id, instance);
        restored.push(instance);
      }
    }
    return restored;
  }

  #isDoubtful(instance: Instance, now: number): boolean {
    if (isLeaving(instance)) return false;
    return this.#wellSince === undefined || now - this.#wellSince < doubtMs([instance]);
  }

  #forgetLost(): void {
    this.#lost.clear();
    this.#isKeeping = false;
  }
}

function isLeaving({ status }: Instance): boolean {
  return (
    status === InstanceStatus.INSTANCE_STATUS_STOPPING ||
    status === InstanceStatus.INSTANCE_STATUS_STOPPED
  );
}

function doubtMs(lost: Iterable<Instance>): number {
  let longestMs = LEAST_DOUBT_MS;
  for (const { ttlSeconds } of lost) {
    longestMs = Math.max(longestMs, ttlSeconds * 1000 * DOUBTED_SHARE);
  }
  return longestMs;
}
