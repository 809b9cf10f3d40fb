import { messageOf } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import type { Slot } from './slot.ts';

export interface SlotGroupOptions {
  /** Name of the service. */
  readonly name: string;
  /**
   * Makes the slot with that number, 1 and up; the group starts it.
   * @param isStandIn Whether its process takes a free port, as the slot's own may be taken.
   */
  readonly createSlot: (number: number, isStandIn?: boolean) => Slot;
  /**
   * Whether two processes can stand in one slot for a while. Where not (a fixed port), a restart stops the old
   * process first, while a stand-in on a free port takes its calls; and no change begins before those that
   * leave have left.
   */
  readonly canOverlap: boolean;
  /** Asked before the group is brought to `count` slots; throws when that cannot be. */
  readonly admit?: (count: number) => Promise<void>;
}

interface Member {
  readonly number: number;
  slot: Slot;
}

/** The slots of one service: as many as wanted, replaced one at a time. Changes happen one by one. */
export class SlotGroup {
  readonly name: string;
  readonly #options: SlotGroupOptions;
  #members: Member[] = [];
  #wanted = 0;
  /** One process more than wanted, on a free port, while fixed ports change hands; one of those passing. */
  #standIn: Slot | undefined;
  /** Slots about to take a place or leaving one; stopped with the rest. */
  readonly #passing = new Set<Slot>();
  #lastChange: Promise<unknown> = Promise.resolve();
  #isStopping = false;

  constructor(options: SlotGroupOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** How many slots it should have. */
  get wanted(): number {
    return this.#wanted;
  }

  /** Its slots by number. */
  get slots(): readonly Slot[] {
    return this.#members.map(({ slot }) => slot);
  }

  /** Every slot that has a process, those about to take a place or leaving one too. */
  get everySlot(): readonly Slot[] {
    return [...this.slots, ...this.#passing];
  }

  /** Brings the group to its first `count` slots, as `scale` does; nothing is asked before. */
  start(count: number): Promise<void> {
    return this.#inTurn(async () => {
      const { started, left } = this.#bringTo(count);
      await Promise.all([started, left]);
    });
  }

  /**
   * Brings the group to `count` slots: new ones take the lowest free numbers and are waited for until
   * healthy, the highest leave first and are waited for until drained; the next change need not wait for that.
   * @throws what `admit` does, nothing being changed; OrchestratorError when a new one does not start: it
   * goes on trying.
   */
  async scale(count: number): Promise<void> {
    const { admit, canOverlap } = this.#options;
    const leaving: Promise<unknown>[] = [];
    await this.#inTurn(async () => {
      await admit?.(count);
      if (this.#isStopping) return;
      const { started, left } = this.#bringTo(count);
      leaving.push(left);
      await (canOverlap ? started : Promise.all([started, left]));
    });
    await Promise.all(leaving);
  }

  /**
   * Replaces every process, one at a time: the new one, or a stand-in for it, is healthy before the old one
   * drains.
   * @throws OrchestratorError when a new one does not start. The old one then stays, and so do the rest; on
   * fixed ports the stand-in does, until the new one has started.
   */
  restart(): Promise<void> {
    const { canOverlap } = this.#options;
    return this.#inTurn(async () => {
      const members = [...this.#members];
      if (!canOverlap && members.length > 0) await this.#startStandIn(members.length + 1);
      for (const member of members) {
        if (this.#isStopping) return;
        await (canOverlap ? this.#replace(member) : this.#stopAndStart(member));
      }
      await this.#endStandIn();
    });
  }

  /** Stops every slot, at once; no change after this. Resolves when no process is left. */
  async stop(graceMs?: number): Promise<void> {
    this.#isStopping = true;
    this.#wanted = 0;
    await Promise.all(this.everySlot.map((slot) => slot.stop(graceMs)));
  }

  #bringTo(count: number): { started: Promise<unknown>; left: Promise<unknown> } {
    this.#wanted = count;
    const leaving = this.#members.slice(count);
    this.#members = this.#members.slice(0, count);
    for (const { slot } of leaving) this.#passing.add(slot);
    while (this.#members.length < count) this.#add();
    return {
      started: Promise.all(this.slots.map((slot) => slot.healthy())),
      left: Promise.all(
        leaving.map(({ slot }) => slot.stop().finally(() => this.#passing.delete(slot))),
      ),
    };
  }

  #add(): void {
    const taken = new Set(this.#members.map(({ number }) => number));
    let number = 1;
    while (taken.has(number)) number += 1;
    const slot = this.#options.createSlot(number);
    this.#members.push({ number, slot });
    this.#members.sort((a, b) => a.number - b.number);
    slot.start();
  }

  async #replace(member: Member): Promise<void> {
    const old = member.slot;
    const fresh = this.#options.createSlot(member.number);
    this.#passing.add(fresh);
    fresh.start();
    try {
      await fresh.healthy();
    } catch (error) {
      await fresh.stop();
      this.#passing.delete(fresh);
      throw new OrchestratorError(
        `${old.name} was not replaced and runs on as it was. ${messageOf(error)}`,
      );
    }
    member.slot = fresh;
    this.#passing.delete(fresh);
    this.#passing.add(old);
    await old.stop();
    this.#passing.delete(old);
  }

  async #stopAndStart(member: Member): Promise<void> {
    await member.slot.stop();
    if (this.#isStopping) return;
    const fresh = this.#options.createSlot(member.number);
    member.slot = fresh;
    fresh.start();
    try {
      await fresh.healthy();
    } catch (error) {
      const endStandIn = () => this.#inTurn(() => this.#endStandIn());
      // Stopped before that, it needs no stand-in: the next change ends that one.
      fresh
        .healthy(Infinity)
        .then(endStandIn)
        .catch(() => {});
      const { name, address } = this.#standIn ?? {};
      throw new OrchestratorError(
        `${messageOf(error)}\n${name} serves meanwhile, at ${address}, until ${fresh.name} does.`,
      );
    }
  }

  async #startStandIn(number: number): Promise<void> {
    // One that an earlier restart left may be all that serves.
    if (this.#standIn?.state.kind === 'running') return;
    await this.#endStandIn();
    const standIn = this.#options.createSlot(number, true);
    this.#passing.add(standIn);
    this.#standIn = standIn;
    standIn.start();
    try {
      await standIn.healthy();
    } catch (error) {
      await this.#endStandIn();
      throw new OrchestratorError(
        `${this.name} was not restarted, and nothing was stopped: no call fails only if a stand-in serves on a free port while each fixed port changes hands. ${messageOf(error)}`,
      );
    }
  }

  async #endStandIn(): Promise<void> {
    const standIn = this.#standIn;
    if (standIn === undefined) return;
    this.#standIn = undefined;
    await standIn.stop();
    this.#passing.delete(standIn);
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#lastChange.then(() => {
      if (this.#isStopping) throw new OrchestratorError(`${this.name} is being stopped`);
      return change();
    });
    this.#lastChange = turn.catch(() => {});
    return turn;
  }
}
