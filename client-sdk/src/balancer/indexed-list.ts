/** A list that adds, removes and looks up in O(1); removing moves the last item into the gap. */
export class IndexedList<T> {
  readonly #items: T[] = [];
  readonly #positions = new Map<T, number>();

  get size(): number {
    return this.#items.length;
  }

  has(item: T): boolean {
    return this.#positions.has(item);
  }

  /** The item at `index`, counted round the end. The list must not be empty. */
  at(index: number): T {
    return this.#items[index % this.#items.length] as T;
  }

  /** Adds an item; one already there stays. */
  add(item: T): void {
    if (this.#positions.has(item)) return;
    this.#positions.set(item, this.#items.length);
    this.#items.push(item);
  }

  /** Removes an item. Answers whether it was there. */
  delete(item: T): boolean {
    const position = this.#positions.get(item);
    if (position === undefined) return false;
    const last = this.#items.pop() as T;
    this.#positions.delete(item);
    if (last !== item) {
      this.#items[position] = last;
      this.#positions.set(last, position);
    }
    return true;
  }

  /** The first item from `index` on, round the end, that is not excluded. */
  firstFrom(index: number, request: { isExcluded(item: T): boolean }): T | undefined {
    for (let step = 0; step < this.#items.length; step += 1) {
      const item = this.at(index + step);
      if (!request.isExcluded(item)) return item;
    }
    return undefined;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#items[Symbol.iterator]();
  }
}
