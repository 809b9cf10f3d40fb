import { expect, it } from '@jest/globals';
import { Event } from '@weft/proto/telemetry';
import { EventResumption } from '../../../../orchestrator/src/mesh-view/event-resumption.ts';

const at = (sequence: bigint, ms: number) =>
  Event.fromPartial({ sequence, time: new Date(ms), service: 'user-service' });

const sequences = (events: readonly Event[]) => events.map(({ sequence }) => Number(sequence));

it('tells every event once, of the same registry and of one that was started again', () => {
  const resumption = new EventResumption();
  expect(sequences(resumption.take([at(4n, 10), at(5n, 20)], false))).toEqual([4, 5]);
  // It was only the connection: two more at the same time are told, though no later.
  expect(sequences(resumption.take([at(5n, 20), at(6n, 20), at(7n, 20)], true))).toEqual([6, 7]);
  // Another book has another event at that place: what happened later is news.
  expect(sequences(resumption.take([at(6n, 5), at(7n, 19), at(8n, 21)], true))).toEqual([8]);
  expect(resumption.take([], true)).toEqual([]);
  expect(sequences(resumption.take([at(1n, 30)], true))).toEqual([1]);
});

it('tells everything where nothing was told before', () => {
  expect(sequences(new EventResumption().take([at(1n, 1)], true))).toEqual([1]);
});
