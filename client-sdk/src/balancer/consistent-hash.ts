import { slotNameOf } from '@weft/proto';
import type { Endpoint } from './endpoint.ts';
import { hash32, mix32 } from './hash.ts';
import { HashRing } from './hash-ring.ts';
import { IndexedList } from './indexed-list.ts';
import { SlotTable } from './slot-table.ts';
import type { PickRequest, Strategy, StrategyEnvironment } from './strategy.ts';

/** Points on the ring for weight 1: an endpoint's share then strays by about 8 % (1/sqrt of it). */
const POINTS_PER_WEIGHT = 160;
/** The most points of one endpoint, so that weights in the thousands do not fill the memory. */
const MAX_POINTS = 10 * POINTS_PER_WEIGHT;
/** How far in-flight calls may lie above an even spread before a key goes to the next endpoint. */
const LOAD_FACTOR = 1.25;
/** A key counts up to here, in characters: hashing a megabyte would hold up the process. */
export const MAX_KEY_LENGTH = 1024;
/** Points looked at from a key on. Past that nearly all are excluded, and any one left will do. */
const MAX_STEPS = 1024;

const FIRST_SEED = 0x1b873593;
const SECOND_SEED = 0x2545f491;
const GOLDEN = 0x9e3779b9;

/**
 * The same endpoint for the same key, in every client that knows the same endpoints: a ring with
 * virtual nodes (Karger et al., "Consistent Hashing and Random Trees", 1997; gRFC A42). An endpoint
 * that leaves moves its own keys only. Loads are bounded (Mirrokni, Thorup, Zadimoghaddam, "Consistent
 * Hashing with Bounded Loads", 2018): a key whose endpoint has more than 1.25 times its even share of
 * the calls in flight goes to the next one on the ring.
 *
 * The slot of an instance (`user-service-1`, see `SLOT_KEY`) gives its places on the ring. After a restart,
 * the next instance in the slot has another id and gets the same keys. If two instances claim one slot, as
 * while one replaces the other, they share its keys evenly. The id of an instance without a slot gives its
 * places. Clients of a version from before slots use the id of every instance.
 *
 * A call without a key, or with an empty key, goes to any endpoint. Only the first 1024 characters of a key
 * count. Weights over 10 count as 10 on the ring, and in full in the bound on the load.
 */
export class ConsistentHash implements Strategy {
  readonly isSticky = true;
  readonly #endpoints = new SlotTable<Endpoint>();
  /** The same ones, to take any of. */
  readonly #list = new IndexedList<Endpoint>();
  readonly #ring = new HashRing((owner, other, position) => {
    const [one, another] = [this.#tieBreaks[owner] as number, this.#tieBreaks[other] as number];
    const difference = mix32(one ^ position) - mix32(another ^ position);
    if (difference !== 0) return difference < 0;
    return this.#endpoints.at(owner).key < this.#endpoints.at(other).key;
  });
  /** By slot of the table: the name its points come from, points on the ring, the weight that was told last. */
  readonly #names: string[] = [];
  readonly #pointCounts: number[] = [];
  readonly #weights: number[] = [];
  /** By slot of the table: with the position, decides between points of one name, so that both owners get some. */
  readonly #tieBreaks: number[] = [];
  readonly #random: () => number;
  #weightSum = 0;
  #inFlight = 0;

  constructor({ random }: Pick<StrategyEnvironment, 'random'>) {
    this.#random = random;
  }

  add(endpoint: Endpoint): void {
    if (this.#endpoints.slotOf(endpoint) !== undefined) return;
    const slot = this.#endpoints.add(endpoint);
    this.#list.add(endpoint);
    this.#inFlight += endpoint.inFlight;
    this.#names[slot] = slotNameOf(endpoint.instance);
    this.#tieBreaks[slot] = hash32(endpoint.key);
    this.#pointCounts[slot] = 0;
    this.#weights[slot] = 0;
    this.#setWeight(slot, endpoint.weight);
  }

  remove(endpoint: Endpoint): void {
    const slot = this.#endpoints.slotOf(endpoint);
    if (slot === undefined) return;
    this.#setWeight(slot, 0);
    this.#inFlight -= endpoint.inFlight;
    this.#list.delete(endpoint);
    this.#endpoints.delete(endpoint);
  }

  weightChanged(endpoint: Endpoint): void {
    const slot = this.#endpoints.slotOf(endpoint);
    if (slot !== undefined) this.#setWeight(slot, endpoint.weight);
  }

  pick(request: PickRequest): Endpoint | undefined {
    const key = request.hashKey;
    if (key === undefined || key === '' || this.#ring.size === 0) {
      return this.#list.firstFrom(Math.floor(this.#random() * this.#list.size), request);
    }
    const hash = hash32(key, 0, MAX_KEY_LENGTH);
    const steps = Math.min(MAX_STEPS, this.#ring.size);
    /** Where it goes when all that may take it are above the bound. */
    let nearest: Endpoint | undefined;
    let point = this.#ring.firstFrom(hash);
    for (let step = 0; step < steps; step += 1) {
      const slot = this.#ring.ownerOf(point);
      const endpoint = this.#endpoints.at(slot);
      if (!request.isExcluded(endpoint)) {
        if (this.#hasRoom(endpoint, slot)) return endpoint;
        nearest ??= endpoint;
      }
      point = this.#ring.after(point);
    }
    return nearest ?? this.#list.firstFrom(hash, request);
  }

  started(_endpoint: Endpoint): void {
    this.#inFlight += 1;
  }

  ended(_endpoint: Endpoint): void {
    this.#inFlight -= 1;
  }

  /** Whether one more call leaves it within the bound; with none in flight it always does. */
  #hasRoom({ inFlight }: Endpoint, slot: number): boolean {
    if (inFlight === 0) return true;
    const weight = this.#weights[slot] as number;
    return inFlight < Math.ceil((LOAD_FACTOR * (this.#inFlight + 1) * weight) / this.#weightSum);
  }

  /** Gives the endpoint as many points as its weight asks for; it keeps those it has, or loses the last. */
  #setWeight(slot: number, weight: number): void {
    this.#weightSum += weight - (this.#weights[slot] as number);
    this.#weights[slot] = weight;
    const name = this.#names[slot] as string;
    const [first, second] = [hash32(name, FIRST_SEED), hash32(name, SECOND_SEED)];
    const wanted = pointCount(weight);
    let count = this.#pointCounts[slot] as number;
    for (; count < wanted; count += 1) this.#ring.add(position(first, second, count), slot);
    for (; count > wanted; count -= 1) this.#ring.remove(position(first, second, count - 1), slot);
    this.#pointCounts[slot] = count;
  }
}

function pointCount(weight: number): number {
  if (weight === 0) return 0;
  return Math.min(MAX_POINTS, Math.max(1, Math.round(weight * POINTS_PER_WEIGHT)));
}

/** Position of point `index`. Two numbers come from the name, so that points of two names never run in step. */
function position(first: number, second: number, index: number): number {
  return mix32(mix32((first + Math.imul(index, GOLDEN)) | 0) ^ second);
}
