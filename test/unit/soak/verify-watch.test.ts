import { describe, expect, it } from '@jest/globals';
import type { EtcdChange, WatchHistory } from '../../soak/history.ts';
import { verifyWatch } from '../../soak/verify/watch.ts';
import { changes, end, events, mark, open, snapshot, watch } from './histories.ts';

const truth = changes('put a 2', 'put b 3', 'put a 5', 'delete b 6', 'put c 9');

function kinds(history: WatchHistory, { of = truth, compactions = [] as number[] } = {}) {
  return verifyWatch(history, { changes: of as EtcdChange[], compactions }).map(({ kind }) => kind);
}

describe('a watch that keeps its word', () => {
  it.each([
    [
      'over snapshot, events and marks',
      [open(), snapshot(3, 'a2', 'b3'), events('put a 5'), mark(5)],
    ],
    ['with many revisions in a message', [open(), snapshot(2, 'a2'), events('put b 3', 'put a 5')]],
    ['with a mark past the last change', [open(), snapshot(9, 'a5', 'c9'), mark(20)]],
    [
      'that goes on after a break',
      [open(), snapshot(3, 'a2', 'b3'), end(), open(3), events('put a 5'), mark(5)],
    ],
    [
      'that is answered a snapshot instead of going on',
      [open(), snapshot(3, 'a2', 'b3'), end(), open(3), snapshot(6, 'a5')],
    ],
    [
      'that begins anew at a replica that is behind',
      [open(), snapshot(9, 'a5', 'c9'), end(), open(), snapshot(3, 'a2', 'b3'), events('put a 5')],
    ],
    ['of an empty registry', [open(), snapshot(1), mark(1)]],
  ])('%s is not found fault with', (_, entries) => {
    const history = watch(...entries);
    expect(kinds(history)).toEqual([]);
  });

  it('tells a deletion with what was there last', () => {
    const history = watch(open(), snapshot(5, 'a5', 'b3'), events('delete b 6 b3'), mark(8));
    expect(kinds(history)).toEqual([]);
  });

  it('may keep or drop what a foreign value covers', () => {
    const of = changes('put a 2', 'put b 3', 'foreign a 4', 'delete a 5', 'put c 6');
    const kept = watch(open(), snapshot(4, 'a2', 'b3'), events('delete a 5 a2', 'put c 6'));
    const dropped = watch(open(), snapshot(4, 'b3'), events('put c 6'));
    expect(kinds(kept, { of })).toEqual([]);
    expect(kinds(dropped, { of })).toEqual([]);
    // One that had missed a change knows an earlier one as the last good.
    const missed = changes('put a 2', 'put a 3', 'foreign a 4', 'delete a 5', 'put c 6');
    const earlier = watch(open(), snapshot(4, 'a2'), events('delete a 5 a2', 'put c 6'));
    expect(kinds(earlier, { of: missed })).toEqual([]);
    expect(kinds(watch(open(), snapshot(4, 'a9')), { of: missed })).toEqual(['wrong-snapshot']);
  });

  it('may tell the difference at once when etcd forgot what was between', () => {
    const history = watch(open(), snapshot(3, 'a2', 'b3'), events('put a 7 a5', 'delete b 7 b3'));
    expect(kinds(history, { compactions: [5] })).toEqual([]);
    expect(kinds(history, { compactions: [3] })).not.toEqual([]);
  });
});

describe('a watch that does not is found out', () => {
  it.each([
    ['an event left out', [events('put a 5'), events('put c 9')], ['missing-event']],
    ['an event left out before a mark', [events('put a 5'), mark(7)], ['false-progress']],
    ['an event twice', [events('put a 5'), events('put a 5')], ['duplicate-event']],
    ['an event twice in a message', [events('put a 5', 'put a 5')], ['duplicate-event']],
    [
      'revisions out of order',
      [events('put a 5', 'delete b 6 b3'), events('put a 5')],
      ['not-ordered'],
    ],
    ['a mark that goes back', [events('put a 5'), mark(4)], ['not-ordered']],
    ['an event that never was', [events('put z 4')], ['unexpected-event']],
    ['another content', [events('put a 5 a2')], ['wrong-content']],
    ['a deletion of something else', [events('put a 5', 'delete b 6 b9')], ['wrong-content']],
    ['a snapshot with one missing', [snapshot(5, 'a5')], ['wrong-snapshot']],
    ['an empty snapshot', [snapshot(5)], ['wrong-snapshot']],
    ['a snapshot with an old content', [snapshot(5, 'a2', 'b3')], ['wrong-snapshot']],
    ['a snapshot with one too many', [snapshot(6, 'a5', 'b3')], ['wrong-snapshot']],
    ['a snapshot with one twice', [snapshot(6, 'a5', 'a5')], ['wrong-snapshot']],
    ['a snapshot of the past', [snapshot(2, 'a2')], ['not-ordered']],
    ['a gap after a resume', [end(), open(3), events('delete b 6 b3')], ['missing-event']],
    [
      'a message of another revision than its last event',
      [{ ...events('put a 5'), revision: 6 }],
      ['malformed-message'],
    ],
  ])('%s', (_, entries, expected) => {
    const history = watch(open(), snapshot(3, 'a2', 'b3'), ...entries);
    expect(kinds(history)).toEqual(expected);
  });

  it('part of a revision', () => {
    const of = changes('put a 2', 'put b 3', 'delete a 4', 'delete b 4');
    const history = watch(open(), snapshot(3, 'a2', 'b3'), events('delete a 4 a2'));
    expect(kinds(history, { of })).toEqual(['missing-event']);
  });

  it('events before any snapshot', () => {
    expect(kinds(watch(open(), events('put a 2')))).toEqual(['malformed-message']);
  });

  it('a difference, told after etcd forgot, that is not all or nothing new', () => {
    const ghost = watch(open(), snapshot(3, 'a2', 'b3'), events('put a 7 a5'));
    expect(kinds(ghost, { compactions: [5] })).toContain('missing-event');
    const again = watch(open(), snapshot(5, 'a5', 'b3'), events('put a 7 a5', 'delete b 7 b3'));
    expect(kinds(again, { compactions: [6] })).toContain('unexpected-event');
    expect(kinds(watch(open(), snapshot(3, 'a2', 'b3'), mark(7)), { compactions: [5] })).toEqual([
      'false-progress',
    ]);
  });

  it('once, where and when it was', () => {
    const history = watch(
      open(),
      snapshot(2, 'a2'),
      end(),
      open(2),
      events('put a 5'),
      events('delete b 6 b3'),
    );
    expect(verifyWatch(history, { changes: truth, compactions: [] })).toEqual([
      {
        kind: 'missing-event',
        atMs: 400,
        who: 'w',
        replica: 1,
        revision: 5,
        message: 'first after going on from 2: put s/b@3',
      },
    ]);
  });
});
