import { IndexedHeap } from './indexed-heap.ts';
import { SlotTable } from './slot-table.ts';

/** Told of each item that comes among the lowest or is no longer one of them. */
export interface LowestListener {
  entered(item: string): void;
  left(item: string): void;
}

/** Keeps apart the items with the lowest scores, as many as asked for: O(log n) a change. */
export class Lowest {
  readonly #items = new SlotTable<string>();
  /** The lowest, the highest of them on top. */
  readonly #members = new IndexedHeap();
  /** The rest, the lowest on top. */
  readonly #rest = new IndexedHeap();
  readonly #listener: LowestListener;
  #limit = 0;

  constructor(listener: LowestListener) {
    this.#listener = listener;
  }

  /** Number of items in all. */
  get size(): number {
    return this.#items.size;
  }

  includes(item: string): boolean {
    return this.#items.slotOf(item) !== undefined;
  }

  /** Whether `item` is one of the lowest. */
  has(item: string): boolean {
    const slot = this.#items.slotOf(item);
    return slot !== undefined && this.#members.has(slot);
  }

  /** Takes in `item`, which must not be there. */
  add(item: string, score: number): void {
    this.#rest.push(this.#items.add(item), score);
    const last = this.#members.top;
    if (last >= 0 && this.#members.size >= this.#limit && score < -this.#members.keyOf(last)) {
      this.#demote();
    }
    this.#settle();
  }

  /** Takes out `item`. Answers whether it was there. */
  delete(item: string): boolean {
    const slot = this.#items.slotOf(item);
    if (slot === undefined) return false;
    if (this.#members.has(slot)) {
      this.#members.remove(slot);
      this.#listener.left(item);
    } else {
      this.#rest.remove(slot);
    }
    this.#items.delete(item);
    this.#settle();
    return true;
  }

  /** How many to keep apart from now on. */
  limit(count: number): void {
    this.#limit = count;
    this.#settle();
  }

  #settle(): void {
    while (this.#members.size > this.#limit) this.#demote();
    while (this.#members.size < this.#limit && this.#rest.size > 0) {
      const slot = this.#rest.top;
      this.#members.push(slot, -this.#rest.keyOf(slot));
      this.#rest.remove(slot);
      this.#listener.entered(this.#items.at(slot));
    }
  }

  #demote(): void {
    const slot = this.#members.top;
    this.#rest.push(slot, -this.#members.keyOf(slot));
    this.#members.remove(slot);
    this.#listener.left(this.#items.at(slot));
  }
}
