/** Children of a place. Four halve the depth of a binary heap, and lie side by side in memory. */
const ARITY = 4;
const ABSENT = -1;

/**
 * A heap of slots (small whole numbers, see `SlotTable`) with the lowest key on top, in which the key
 * of any slot can be changed: O(log n), in typed arrays.
 */
export class IndexedHeap {
  /** By place in the heap. */
  #keys = new Float64Array(16);
  #slots = new Int32Array(16);
  /** By slot. */
  #places = new Int32Array(16).fill(ABSENT);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The slot with the lowest key, -1 when empty. */
  get top(): number {
    return this.#size === 0 ? ABSENT : (this.#slots[0] as number);
  }

  has(slot: number): boolean {
    return slot < this.#places.length && this.#places[slot] !== ABSENT;
  }

  /** The key of `slot`, which must be there. */
  keyOf(slot: number): number {
    return this.#keys[this.#places[slot] as number] as number;
  }

  /** Takes in `slot`, which must not be there. */
  push(slot: number, key: number): void {
    this.#reserve(slot);
    this.#size += 1;
    this.#rise(this.#size - 1, slot, key);
  }

  /** Changes the key of `slot`, which must be there. */
  update(slot: number, key: number): void {
    const place = this.#places[slot] as number;
    if (key < (this.#keys[place] as number)) this.#rise(place, slot, key);
    else this.#sink(place, slot, key);
  }

  /** Takes out `slot`, which must be there. */
  remove(slot: number): void {
    const place = this.#places[slot] as number;
    this.#places[slot] = ABSENT;
    this.#size -= 1;
    if (place === this.#size) return;
    const moved = this.#slots[this.#size] as number;
    const key = this.#keys[this.#size] as number;
    if (key < (this.#keys[place] as number)) this.#rise(place, moved, key);
    else this.#sink(place, moved, key);
  }

  /** Takes `amount` off every key: the order stays. O(n). */
  lower(amount: number): void {
    for (let place = 0; place < this.#size; place += 1) {
      this.#keys[place] = (this.#keys[place] as number) - amount;
    }
  }

  /** Puts `slot` at `place` or as far above it as its key lets it rise. */
  #rise(from: number, slot: number, key: number): void {
    let place = from;
    while (place > 0) {
      const above = Math.floor((place - 1) / ARITY);
      if ((this.#keys[above] as number) <= key) break;
      this.#put(place, this.#slots[above] as number, this.#keys[above] as number);
      place = above;
    }
    this.#put(place, slot, key);
  }

  /** Puts `slot` at `place` or as far below it as its key makes it sink. */
  #sink(from: number, slot: number, key: number): void {
    const keys = this.#keys;
    let place = from;
    for (;;) {
      const first = place * ARITY + 1;
      if (first >= this.#size) break;
      const end = Math.min(first + ARITY, this.#size);
      let lowest = first;
      let lowestKey = keys[first] as number;
      for (let child = first + 1; child < end; child += 1) {
        const childKey = keys[child] as number;
        if (childKey < lowestKey) {
          lowest = child;
          lowestKey = childKey;
        }
      }
      if (lowestKey >= key) break;
      this.#put(place, this.#slots[lowest] as number, lowestKey);
      place = lowest;
    }
    this.#put(place, slot, key);
  }

  #put(place: number, slot: number, key: number): void {
    this.#slots[place] = slot;
    this.#keys[place] = key;
    this.#places[slot] = place;
  }

  /** Makes room for `slot` and for one place more. */
  #reserve(slot: number): void {
    if (this.#size === this.#keys.length) {
      const keys = new Float64Array(this.#size * 2);
      const slots = new Int32Array(this.#size * 2);
      keys.set(this.#keys);
      slots.set(this.#slots);
      this.#keys = keys;
      this.#slots = slots;
    }
    if (slot < this.#places.length) return;
    const places = new Int32Array(Math.max(slot + 1, this.#places.length * 2)).fill(ABSENT);
    places.set(this.#places);
    this.#places = places;
  }
}
