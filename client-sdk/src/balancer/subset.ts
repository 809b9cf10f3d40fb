import { hash32, hash53 } from './hash.ts';
import { Lowest } from './lowest.ts';

/** An instance as the subset sees it. */
export interface SubsetCandidate {
  /** Names it among the others: the endpoint's key. */
  readonly key: string;
  /** The slot, else the id. The rank is a hash of it, so that the next instance in a slot has the same rank. */
  readonly name: string;
  readonly zone: string;
}

/** Keys that came into the subset and went out of it. None is in both. */
export interface SubsetChange {
  readonly entered: ReadonlySet<string>;
  readonly left: ReadonlySet<string>;
}

export interface SubsetSettings {
  /** Names this client among the others; each chooses another subset. */
  readonly clientId: string;
  /** Instances in the subset. */
  readonly size: number;
  /** Number of instances from which on there is a subset; all belong to it below four fifths of that. */
  readonly from: number;
  /** Half of the subset comes from this zone, as far as it has instances; undefined: from anywhere. */
  readonly ownZone?: string | undefined;
}

/** Once on, it stays on down to this share of `from`, for one restart not to move many connections. */
const OFF_SHARE = 0.8;

/**
 * The instances of a large service that one client uses: those that rank lowest by a hash of client
 * and instance (rendezvous hashing: Thaler and Ravishankar, 1998; gRFC A68, random subsetting). It is
 * the same for the same client and instances; one instance more or less changes one member at most,
 * unless it switches the subset on or off. O(log n) a change.
 *
 * Each client chooses by itself, so an instance's number of clients is spread like draws: with 1,000
 * clients, 1,000 instances and size 50 about 50 +- 7, from about 30 to about 75 in all.
 */
export class Subset {
  readonly #settings: SubsetSettings;
  readonly #seed: number;
  readonly #entered = new Set<string>();
  readonly #left = new Set<string>();
  readonly #listener = {
    entered: (key: string) => {
      if (!this.#left.delete(key)) this.#entered.add(key);
    },
    left: (key: string) => {
      if (!this.#entered.delete(key)) this.#left.add(key);
    },
  };
  /** Those of the own zone, when it is preferred. */
  readonly #own = new Lowest(this.#listener);
  readonly #others = new Lowest(this.#listener);
  #isOn = false;

  constructor(settings: SubsetSettings) {
    this.#settings = settings;
    this.#seed = hash32(settings.clientId);
  }

  /** Whether the instance with this key belongs to the subset. */
  has(key: string): boolean {
    return this.#own.has(key) || this.#others.has(key);
  }

  /**
   * The keys in `removed` are no longer listed, then those in `added` are. Keys that are listed
   * already are passed over, and so are unknown ones in `removed`: for another zone, name it in both.
   */
  update(added: Iterable<SubsetCandidate>, removed: Iterable<string> = []): SubsetChange {
    this.#entered.clear();
    this.#left.clear();
    for (const key of removed) if (!this.#own.delete(key)) this.#others.delete(key);
    this.#limit();
    for (const candidate of added) this.#add(candidate);
    this.#limit();
    return { entered: new Set(this.#entered), left: new Set(this.#left) };
  }

  #add({ key, name, zone }: SubsetCandidate): void {
    const { ownZone } = this.#settings;
    const side = ownZone !== undefined && zone === ownZone ? this.#own : this.#others;
    if (this.#own.includes(key) || this.#others.includes(key)) return;
    side.add(key, hash53(name, this.#seed));
  }

  /** Shares the size out: half to the own zone, and to each side what the other cannot fill. */
  #limit(): void {
    const { from, size } = this.#settings;
    const [own, others] = [this.#own.size, this.#others.size];
    if (own + others >= from) this.#isOn = true;
    else if (own + others < from * OFF_SHARE) this.#isOn = false;
    const wanted = this.#isOn ? size : own + others;
    const fromOwn = Math.min(own, Math.max(Math.ceil(wanted / 2), wanted - others));
    this.#own.limit(fromOwn);
    this.#others.limit(wanted - fromOwn);
  }
}
