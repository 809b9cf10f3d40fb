import { beforeEach, describe, expect, it } from '@jest/globals';
import { EventType, WatchResponse } from '@weft/proto/registry';
import { DrainBook, RETURN_MS } from '../../../../registry/src/drain/drain-book.ts';
import { storedInstance } from '../fixtures.ts';

let book: DrainBook;
let history: string;
let nowMs: number;
/** Clients that were to say something, in order. */
let spoken: string[];

beforeEach(() => {
  history = 'first';
  nowMs = 0;
  book = new DrainBook(
    () => history,
    () => nowMs,
  );
  spoken = [];
});

function open(
  client: string,
  { services = ['a'], fromRevision = undefined as bigint | undefined } = {},
) {
  const terms = { client, watchId: client, services: new Set(services), fromRevision };
  return book.open(terms, 10n, () => spoken.push(client));
}

const names = (service: string, revision: bigint) =>
  book.holders(service, revision).map(({ client }) => client);

function deleted(revision: bigint): WatchResponse {
  const event = { type: EventType.EVENT_TYPE_DELETE, instance: storedInstance({}), revision };
  return WatchResponse.create({ events: { events: [event], revision } });
}

const progress = (revision: bigint) => WatchResponse.create({ progress: { revision } });

const snapshot = (revision: bigint, more = false) =>
  WatchResponse.create({ snapshot: { revision, more, history } });

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

  it('is a client whose watch broke off, until it has had 8 s to watch again', () => {
    const watch = open('a', { fromRevision: 10n });
    watch[Symbol.dispose]();
    expect(book.size).toBe(0);
    expect(names('a', 11n)).toEqual(['a']);
    expect(names('a', 10n)).toEqual([]);
    expect(book.lost('a', 11n)).toEqual(['a']);
    nowMs = RETURN_MS - 1;
    expect(names('a', 11n)).toEqual(['a']);
    nowMs = RETURN_MS;
    expect(names('a', 11n)).toEqual([]);
    expect(book.lost('a', 11n)).toEqual([]);
  });

  it('is not a client whose watch broke off and is open at another replica', () => {
    open('a', { fromRevision: 10n })[Symbol.dispose]();
    open('b', { fromRevision: 10n })[Symbol.dispose]();
    const back = book.holders('a', 11n, (watchId) => watchId === 'a');
    expect(back.map(({ client }) => client)).toEqual(['b']);
  });

  it('is not a client that acknowledged before the loss of its watch was noticed, or just after', () => {
    for (const client of ['before', 'after']) {
      const watch = open(client, { fromRevision: 10n });
      if (client === 'after') watch[Symbol.dispose]();
      book.acknowledge(client, 11n);
      watch[Symbol.dispose]();
    }
    expect(names('a', 11n)).toEqual([]);
  });

  it('is not a client that closed its watch, whichever comes first', () => {
    const first = open('first', { fromRevision: 10n });
    const last = open('last', { fromRevision: 10n });
    expect(book.closed('first')).toBe(true);
    first[Symbol.dispose]();
    last[Symbol.dispose]();
    expect(book.closed('last')).toBe(true);
    expect(names('a', 11n)).toEqual([]);
    expect(book.closed('last')).toBe(false);
  });

  it('is not a client whose watch broke off before it was sent anything to route by', () => {
    open('a')[Symbol.dispose]();
    expect(names('a', 11n)).toEqual([]);
  });

  it('remembers no more than the last 10,000 watches that broke off', () => {
    for (let index = 0; index < 10_001; index += 1) {
      open(`${index}`, { fromRevision: 10n })[Symbol.dispose]();
    }
    expect(book.lost('a', 11n)).toHaveLength(10_000);
    expect(book.lost('a', 11n)[0]).toBe('1');
  });

  it('takes nothing back that was acknowledged', () => {
    open('late', { fromRevision: 12n });
    book.acknowledge('late', 11n);
    expect(names('a', 12n)).toEqual([]);
  });

  it('is not who is gone, nor who names no watch, nor a watch that was opened again', () => {
    const first = open('a');
    book.open(
      { client: 'raw', watchId: '', services: undefined, fromRevision: undefined },
      10n,
      () => {},
    );
    open('a', { fromRevision: 11n });
    first[Symbol.dispose]();
    expect(book.size).toBe(1);
    expect(names('a', 11n)).toEqual([]);
    expect(book.acknowledge('gone', 11n)).toBe(false);
  });

  it('is who follows everything, by the name of its watch where it gives none of its own', () => {
    book.open({ client: '', watchId: 'w', services: undefined, fromRevision: 1n }, 10n, () => {});
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
  it('need not be acknowledged while nobody wants to know', () => {
    expect(open('a').sending(deleted(11n))).toBe(false);
    expect(spoken).toEqual([]);
  });

  it('is to be acknowledged once, by those alone who may route by what was before', () => {
    const watch = open('a', { fromRevision: 10n });
    const ahead = open('ahead', { fromRevision: 11n });
    const elsewhere = open('elsewhere', { services: ['b'] });
    book.ask('a', 11n);
    book.ask('a', 11n);
    expect(spoken).toEqual(['a']);
    expect(watch.sending(progress(11n))).toBe(true);
    expect(watch.sending(progress(11n))).toBe(false);
    expect(ahead.sending(progress(11n))).toBe(false);
    expect(elsewhere.sending(progress(11n))).toBe(false);
    book.acknowledge('a', 11n);
    book.ask('a', 12n);
    expect(watch.sending(deleted(12n))).toBe(true);
  });

  it('is asked for again where the answer does not come', () => {
    const watch = open('a', { fromRevision: 10n });
    book.ask('a', 11n);
    expect(watch.sending(progress(11n))).toBe(true);
    nowMs = 2999;
    book.ask('a', 11n);
    expect(spoken).toEqual(['a']);
    nowMs = 3000;
    book.ask('a', 11n);
    expect(spoken).toEqual(['a', 'a']);
    expect(watch.sending(progress(11n))).toBe(true);
  });

  it('that does not bring the revision asked about yet is followed by one that is asked', () => {
    const watch = open('a', { fromRevision: 3n });
    book.ask('a', 12n);
    expect(watch.sending(deleted(11n))).toBe(false);
    expect(spoken).toEqual(['a', 'a']);
    expect(watch.sending(progress(13n))).toBe(true);
  });

  it('is not asked for what was acknowledged meanwhile', () => {
    const watch = open('a', { fromRevision: 10n });
    book.ask('a', 11n);
    book.acknowledge('a', 11n);
    expect(watch.sending(progress(11n))).toBe(false);
  });

  it('that is a first snapshot need not be: whoever knew nothing routed by nothing', () => {
    const watch = open('a');
    book.ask('a', 12n);
    expect(watch.sending(snapshot(12n, true))).toBe(false);
    expect(names('a', 12n)).toEqual(['a']);
    expect(watch.sending(snapshot(12n))).toBe(false);
    expect(names('a', 12n)).toEqual([]);
    book.ask('a', 20n);
    expect(watch.sending(snapshot(20n, true))).toBe(false);
    expect(watch.sending(snapshot(20n))).toBe(true);
    expect(names('a', 20n)).toEqual(['a']);
  });

  it('that is a snapshot for one that went on after a revision has to be', () => {
    const watch = open('a', { fromRevision: 3n });
    book.ask('a', 12n);
    expect(watch.sending(snapshot(12n))).toBe(true);
  });

  it('of another history finds those who routed by the former: none of them is where they were', () => {
    const watch = open('a', { fromRevision: 100n });
    book.ask('a', 101n);
    history = 'second';
    expect(names('a', 8n)).toEqual(['a']);
    book.ask('a', 8n);
    expect(watch.sending(snapshot(9n))).toBe(false);
    expect(names('a', 8n)).toEqual(['a']);
    spoken = [];
    book.ask('a', 8n);
    expect(spoken).toEqual(['a']);
    expect(watch.sending(progress(9n))).toBe(true);
    book.acknowledge('a', 9n);
    expect(names('a', 8n)).toEqual([]);
  });

  it('of another history, asked for what the former would have come to, is not said again and again', () => {
    const watch = open('a', { fromRevision: 100n });
    book.ask('a', 101n);
    history = 'second';
    watch.sending(snapshot(9n));
    watch.sending(progress(9n));
    expect(spoken).toEqual(['a']);
  });
});
