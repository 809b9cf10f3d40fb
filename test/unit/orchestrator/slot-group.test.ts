import { describe, expect, it } from '@jest/globals';
import { SlotGroup } from '../../../orchestrator/src/slot/slot-group.ts';
import { eventually } from '../../support/eventually.ts';
import { createSlot, healthy, silent } from './slot-fixture.ts';

describe('SlotGroup', () => {
  it('takes the lowest free numbers, and lets the highest leave', async () => {
    const made: number[] = [];
    const group = new SlotGroup({
      name: 'one',
      canOverlap: true,
      createSlot: (number) => {
        made.push(number);
        return createSlot(`one-${number}`, () => healthy).slot;
      },
    });
    await group.scale(3);
    await group.scale(1);
    await group.scale(2);
    expect(made).toEqual([1, 2, 3, 2]);
    expect(group.slots.map(({ name }) => name)).toEqual(['one-1', 'one-2']);
    await group.stop();
    expect(group.everySlot.map(({ state }) => state.kind)).toEqual(['stopped', 'stopped']);
    await expect(group.scale(1)).rejects.toThrow('one is being stopped');
  });

  it('changes again while those that leave drain, but not where they hold its ports', async () => {
    for (const canOverlap of [true, false]) {
      const drained = Promise.withResolvers<void>();
      const group = new SlotGroup({
        name: 'one',
        canOverlap,
        createSlot: (number) => {
          const { slot } = createSlot(`one-${number}`, () => healthy);
          const { stop } = slot;
          slot.stop = (graceMs) => drained.promise.then(() => stop.call(slot, graceMs));
          return slot;
        },
      });
      await group.scale(2);
      let isLeft = false;
      const fewer = group.scale(1).then(() => {
        isLeft = true;
      });
      const more = group.scale(3);
      if (canOverlap) await more;
      else await eventually(() => expect(group.wanted).toBe(1));
      expect(group.slots).toHaveLength(canOverlap ? 3 : 1);
      expect(isLeft).toBe(false);
      drained.resolve();
      await Promise.all([fewer, more]);
      expect(group.everySlot).toHaveLength(3);
      await group.stop();
    }
  });

  /** A group on fixed ports whose slots note in `order` when they start and stop. */
  function createFixedGroup(order: string[], canStart = (_name: string) => true) {
    let generation = 0;
    return new SlotGroup({
      name: 'one',
      canOverlap: false,
      createSlot: (number, isStandIn) => {
        generation += 1;
        const name = `one-${number}${isStandIn ? ' on a free port' : ''}`;
        const label = `${name} (${generation})`;
        const { slot } = createSlot(name, () => (canStart(label) ? healthy : silent), {
          startTimeoutMs: 20,
        });
        const { start, stop } = slot;
        slot.start = () => {
          order.push(`start ${label}`);
          start.call(slot);
        };
        slot.stop = (graceMs) => {
          order.push(`stop ${label}`);
          return stop.call(slot, graceMs);
        };
        return slot;
      },
    });
  }

  it('on fixed ports starts a stand-in before the first process stops, and ends it at last', async () => {
    const order: string[] = [];
    const group = createFixedGroup(order);
    await group.scale(2);
    await group.restart();
    expect(order.slice(2)).toEqual([
      'start one-3 on a free port (3)',
      'stop one-1 (1)',
      'start one-1 (4)',
      'stop one-2 (2)',
      'start one-2 (5)',
      'stop one-3 on a free port (3)',
    ]);
    expect(group.everySlot).toHaveLength(2);
    await group.stop();
  });

  it('on fixed ports stops nothing when the stand-in does not start', async () => {
    const order: string[] = [];
    const group = createFixedGroup(order, (label) => !label.includes('free port'));
    await group.scale(1);
    await expect(group.restart()).rejects.toThrow(
      /^one was not restarted, and nothing was stopped.*one-2 on a free port does not start/s,
    );
    expect(order).toEqual([
      'start one-1 (1)',
      'start one-2 on a free port (2)',
      'stop one-2 on a free port (2)',
    ]);
    expect(group.everySlot.map(({ state }) => state.kind)).toEqual(['running']);
    await group.stop();
  });

  it('on fixed ports keeps the stand-in until a new process that does not start at first does', async () => {
    const order: string[] = [];
    let isPortFree = false;
    const group = createFixedGroup(order, (label) => isPortFree || !label.includes('(3)'));
    await group.scale(1);
    await expect(group.restart()).rejects.toThrow(
      /one-1 does not start.*one-2 on a free port serves meanwhile, at 127\.0\.0\.1:1/s,
    );
    expect(group.everySlot.map(({ name }) => name)).toEqual(['one-1', 'one-2 on a free port']);
    isPortFree = true;
    await eventually(() => expect(group.everySlot.map(({ name }) => name)).toEqual(['one-1']));
    expect(group.everySlot.map(({ state }) => state.kind)).toEqual(['running']);
    await group.stop();
  });
});
