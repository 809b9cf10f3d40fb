import { describe, expect, it } from '@jest/globals';
import { EventKind } from '@weft/proto/telemetry';
import { EventBook, type NewEvent } from '../../../../registry/src/telemetry/event-book.ts';

function event(instanceId: string): NewEvent {
  const kind = EventKind.EVENT_KIND_REGISTERED;
  const time = new Date(0);
  return { time, kind, service: 'user-service', instanceId, caller: undefined, detail: '' };
}

const events = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => event(`e${from + index}`));

describe('an event book', () => {
  it('numbers events in the order they come, and answers those after a number', () => {
    const book = new EventBook();
    expect([book.latest, book.after(0n)]).toEqual([0n, []]);
    book.add(events(1, 3));
    expect(book.latest).toBe(3n);
    expect(book.after(1n).map(({ instanceId }) => instanceId)).toEqual(['e2', 'e3']);
    expect(book.after(3n)).toEqual([]);
    expect(book.after(99n)).toEqual([]);
  });

  it('holds the latest only', () => {
    const book = new EventBook(10);
    for (let from = 1; from <= 91; from += 10) book.add(events(from, from + 9));
    const held = book.after(0n).map(({ sequence }) => sequence);
    expect(held).toEqual(Array.from({ length: 10 }, (_, index) => BigInt(91 + index)));
    expect(book.after(95n)).toHaveLength(5);
    expect(book.after(50n)).toHaveLength(10);
  });

  it('tells listeners of news until they leave', () => {
    const book = new EventBook();
    let told = 0;
    const leave = book.subscribe(() => {
      told += 1;
    });
    book.add([]);
    expect(told).toBe(0);
    book.add(events(1, 2));
    leave();
    book.add(events(3, 3));
    expect(told).toBe(1);
  });
});
