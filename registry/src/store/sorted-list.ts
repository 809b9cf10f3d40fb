/**
 * Items in the order of their keys, each key once. Finding one takes a binary search; a change moves
 * what stands behind it, which costs little even among a hundred thousand.
 */
export class SortedList<T> {
  readonly #keyOf: (item: T) => string;
  #items: T[] = [];
  /** Whether someone holds `#items`, so that the next change has to leave it alone. */
  #isHeld = false;

  constructor(keyOf: (item: T) => string) {
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#items.length;
  }

  /** All items; what was answered never changes. */
  get items(): readonly T[] {
    this.#isHeld = true;
    return this.#items;
  }

  get(key: string): T | undefined {
    const item = this.#items[this.#position(key)];
    return item !== undefined && this.#keyOf(item) === key ? item : undefined;
  }

  /** Adds an item, in the place of the one with its key if there is one. */
  put(item: T): void {
    const key = this.#keyOf(item);
    const isReplaced = this.get(key) !== undefined;
    this.#changeable().splice(this.#position(key), isReplaced ? 1 : 0, item);
  }

  delete(key: string): void {
    if (this.get(key) !== undefined) this.#changeable().splice(this.#position(key), 1);
  }

  /** The items from a key on, to be read before the next change. */
  *from(key: string): Generator<T, void, undefined> {
    for (let at = this.#position(key); at < this.#items.length; at += 1) {
      yield this.#items[at] as T;
    }
  }

  #changeable(): T[] {
    if (this.#isHeld) this.#items = [...this.#items];
    this.#isHeld = false;
    return this.#items;
  }

  /** Where the first item stands whose key is not less. */
  #position(key: string): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keyOf(this.#items[middle] as T) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
