/**
 * Gives each item a small whole number, its slot, for as long as it is held, so that what is known of
 * it can be kept in plain arrays. A slot is given again once its item has gone.
 */
export class SlotTable<T> {
  readonly #items: (T | undefined)[] = [];
  readonly #slots = new Map<T, number>();
  readonly #free: number[] = [];

  get size(): number {
    return this.#slots.size;
  }

  /** The slot of `item`; undefined when it is not held. */
  slotOf(item: T): number | undefined {
    return this.#slots.get(item);
  }

  /** The item that holds `slot`, which must be taken. */
  at(slot: number): T {
    return this.#items[slot] as T;
  }

  /** Takes `item` in, which must not be held, and answers its slot. */
  add(item: T): number {
    const slot = this.#free.pop() ?? this.#items.length;
    this.#items[slot] = item;
    this.#slots.set(item, slot);
    return slot;
  }

  /** Lets `item` go. Answers the slot it had; undefined when it was not held. */
  delete(item: T): number | undefined {
    const slot = this.#slots.get(item);
    if (slot === undefined) return undefined;
    this.#slots.delete(item);
    this.#items[slot] = undefined;
    this.#free.push(slot);
    return slot;
  }
}
