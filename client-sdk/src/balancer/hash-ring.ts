/** Fields of a place, side by side, so that a look at it is one look at memory. */
const POSITION = 0;
/** The owner plus one; 0 marks an empty place. */
const OWNER = 1;
const STRIDE = 2;
const FEWEST_PLACES = 64;
/** Places past the last home, for the last points to be pushed along to: far more than hashes need. */
const OVERHANG = 1024;
const FULLEST = 0.7;
const EMPTIEST = 0.1;

/**
 * Points on a ring of 2^32 positions, each with an owner (a small whole number), in one sorted array
 * with gaps: a point's home is where its position lies in proportion, and it stands there or, after
 * those that come before it, to the right with no gap between (ordered linear probing: Amble and Knuth,
 * "Ordered hash tables", 1974). Finding the first point from a position on, adding one and removing
 * one touch a few neighbouring places; growing is amortised.
 */
export class HashRing {
  readonly #comesBefore: (owner: number, other: number, position: number) => boolean;
  #places = emptyPlaces(FEWEST_PLACES);
  /** How far a position is shifted to give the number of its home. */
  #shift = 32 - Math.log2(FEWEST_PLACES);
  #size = 0;

  /**
   * @param comesBefore whether the point of `owner` stands before that of `other` at the same position. All
   * processes must decide alike, so that the ring does not depend on the order of events.
   */
  constructor(comesBefore: (owner: number, other: number, position: number) => boolean) {
    this.#comesBefore = comesBefore;
  }

  /** Number of points. */
  get size(): number {
    return this.#size;
  }

  add(position: number, owner: number): void {
    const homes = 2 ** (32 - this.#shift);
    if (this.#size >= homes * FULLEST) this.#resize(homes * 2);
    while (!this.#insert(position, owner)) this.#resize(2 ** (32 - this.#shift) * 2);
    this.#size += 1;
  }

  /** Removes one point of `owner` at `position`, if it is there. */
  remove(position: number, owner: number): void {
    const places = this.#places;
    let place = this.#homeOf(position);
    while (places[place + OWNER] !== owner + 1 || this.#positionAt(place) !== position) {
      if (!this.#isTaken(place)) return;
      place += STRIDE;
    }
    // Those that were pushed along move back, up to the first that is at home or the next gap.
    let next = place + STRIDE;
    while (this.#isTaken(next) && this.#homeOf(this.#positionAt(next)) < next) next += STRIDE;
    places.copyWithin(place, place + STRIDE, next);
    places[next - STRIDE + OWNER] = 0;
    this.#size -= 1;
    const homes = 2 ** (32 - this.#shift);
    if (homes > FEWEST_PLACES && this.#size < homes * EMPTIEST) this.#resize(homes / 4);
  }

  /** The first point at `position` or after it, round the end. The ring must not be empty. */
  firstFrom(position: number): number {
    let place = this.#homeOf(position);
    while (this.#isTaken(place) && this.#positionAt(place) < position) place += STRIDE;
    return this.#nextTaken(place);
  }

  /** The point after `point`, round the end. */
  after(point: number): number {
    return this.#nextTaken(point + STRIDE);
  }

  ownerOf(point: number): number {
    return (this.#places[point + OWNER] as number) - 1;
  }

  #homeOf(position: number): number {
    return (position >>> this.#shift) * STRIDE;
  }

  #positionAt(place: number): number {
    return (this.#places[place + POSITION] as number) >>> 0;
  }

  /** Not past the end either. */
  #isTaken(place: number): boolean {
    return place < this.#places.length && this.#places[place + OWNER] !== 0;
  }

  #nextTaken(from: number): number {
    const { length } = this.#places;
    let place = from;
    for (;;) {
      if (place >= length) place = 0;
      if (this.#places[place + OWNER] !== 0) return place;
      place += STRIDE;
    }
  }

  /** Answers whether there was room before the end. */
  #insert(position: number, owner: number): boolean {
    let place = this.#homeOf(position);
    while (this.#isTaken(place) && this.#isBefore(place, position, owner)) place += STRIDE;
    let gap = place;
    while (this.#isTaken(gap)) gap += STRIDE;
    if (gap >= this.#places.length) return false;
    this.#places.copyWithin(place + STRIDE, place, gap);
    this.#places[place + POSITION] = position;
    this.#places[place + OWNER] = owner + 1;
    return true;
  }

  #isBefore(place: number, position: number, owner: number): boolean {
    const placed = this.#positionAt(place);
    return (
      placed < position ||
      (placed === position && this.#comesBefore(this.ownerOf(place), owner, position))
    );
  }

  /** Spreads the points over another number of homes. */
  #resize(homes: number): void {
    const old = this.#places;
    this.#places = emptyPlaces(homes);
    this.#shift = 32 - Math.log2(homes);
    for (let place = 0; place < old.length; place += STRIDE) {
      const owner = (old[place + OWNER] as number) - 1;
      // They come in order: each goes behind the one before, or is at home.
      if (owner >= 0) this.#insert((old[place + POSITION] as number) >>> 0, owner);
    }
  }
}

function emptyPlaces(homes: number): Int32Array {
  return new Int32Array((homes + OVERHANG) * STRIDE);
}
