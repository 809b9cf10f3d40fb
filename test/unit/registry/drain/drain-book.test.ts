import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  EventType,
  Health,
  type Instance,
  InstanceStatus,
  WatchResponse,
} from '@weft/proto/registry';
import { DrainBook } from '../../../../registry/src/drain/drain-book.ts';
import { storedInstance } from '../fixtures.ts';

const { EVENT_TYPE_PUT, EVENT_TYPE_DELETE } = EventType;

let book: DrainBook;

beforeEach(() => {
  book = new DrainBook();
});

function open(
  client: string,
  { services = ['a'], fromRevision = undefined as bigint | undefined } = {},
) {
  const terms = { client, watchId: client, services: new Set(services), fromRevision };
  return book.open(terms, 10n);
}

const names = (service: string, revision: bigint) =>
  book.holders(service, revision).map(({ client }) => client);

function event(type: EventType, over: Partial<Instance> = {}): WatchResponse {
  const instance = storedInstance(over);
  const events = { events: [{ type, instance, revision: 11n }], revision: 11n };
  return WatchResponse.create({ events });
}

const snapshot = (revision: bigint, more = false) =>
  WatchResponse.create({ snapshot: { revision, more } });

describe('who holds up a drain', () => {
  it('is who follows the service and began, or has acknowledged, before', () => {
    open('fresh');
    open('resumed', { fromRevision: 12n });
    open('elsewhere', { services: ['b'] });
    expect(names('a', 11n)).toEqual(['fresh']);
    expect(book.holders('a', 11n)[0]?.revision).toBe(10n);
    expect(book.acknowledge('fresh', 11n)).toBe(true);
    expect(names('a', 11n)).toEqual([]);
    expect(names('a', 12n)).toEqual(['fresh']);
  });

  it('takes nothing back that was acknowledged', () => {
    open('late', { fromRevision: 12n });
    book.acknowledge('late', 11n);
    expect(names('a', 12n)).toEqual([]);
  });

  it('is not who is gone, nor who names no watch, nor a watch that was opened again', () => {
    const first = open('a');
    book.open({ client: 'raw', watchId: '', services: undefined, fromRevision: undefined }, 10n);
    open('a', { fromRevision: 11n });
    first[Symbol.dispose]();
    expect(book.size).toBe(1);
    expect(names('a', 11n)).toEqual([]);
    expect(book.acknowledge('gone', 11n)).toBe(false);
  });

  it('is who follows everything, by the name of its watch where it gives none of its own', () => {
    book.open({ client: '', watchId: 'w', services: undefined, fromRevision: 1n }, 10n);
    expect(names('whatever', 11n)).toEqual(['watch w']);
  });

  it('is told of whenever it may have changed', () => {
    let changes = 0;
    const unsubscribe = book.subscribe(() => {
      changes += 1;
    });
    const watch = open('a');
    book.acknowledge('a', 11n);
    book.acknowledge('a', 11n);
    watch[Symbol.dispose]();
    unsubscribe();
    open('b');
    expect(changes).toBe(3);
  });
});

describe('a response', () => {
  it.each([
    ['an instance that runs', event(EVENT_TYPE_PUT), false],
    ['one that is gone', event(EVENT_TYPE_DELETE), true],
    [
      'one that stops',
      event(EVENT_TYPE_PUT, { status: InstanceStatus.INSTANCE_STATUS_STOPPING }),
      true,
    ],
    [
      'one that fails its check',
      event(EVENT_TYPE_PUT, { health: Health.HEALTH_NOT_SERVING }),
      true,
    ],
    ['nothing new', WatchResponse.create({ progress: { revision: 11n } }), false],
  ])('of %s: to be acknowledged %s', (_, response, isAsked) => {
    expect(open('a').sending(response)).toBe(isAsked);
  });

  it('that is a first snapshot need not be: whoever knew nothing routed by nothing', () => {
    const watch = open('a');
    expect(watch.sending(snapshot(12n, true))).toBe(false);
    expect(names('a', 12n)).toEqual(['a']);
    expect(watch.sending(snapshot(12n))).toBe(false);
    expect(names('a', 12n)).toEqual([]);
    expect(watch.sending(snapshot(20n, true))).toBe(false);
    expect(watch.sending(snapshot(20n))).toBe(true);
    expect(names('a', 20n)).toEqual(['a']);
  });

  it('that is a snapshot for one that went on after a revision has to be', () => {
    expect(open('a', { fromRevision: 3n }).sending(snapshot(12n))).toBe(true);
  });
});
