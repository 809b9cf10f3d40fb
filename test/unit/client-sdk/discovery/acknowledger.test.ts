import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Acknowledger } from '../../../../client-sdk/src/discovery/acknowledger.ts';
import type { Replica } from '../../../../client-sdk/src/discovery/registry-connection.ts';

let closer: AbortController;
let acknowledger: Acknowledger;
let asked: { watchId: string; revision: bigint }[];
let answer: PromiseWithResolvers<void>;
let replica: Replica;

/** What was begun in this turn of the event loop has been done. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  closer = new AbortController();
  acknowledger = new Acknowledger(closer.signal);
  asked = [];
  answer = Promise.withResolvers();
  const client = {
    acknowledge: (request: (typeof asked)[number]) => {
      asked.push(request);
      return answer.promise;
    },
  };
  replica = { address: 'r1', client } as unknown as Replica;
});

afterEach(() => closer.abort());

const revisions = () => asked.map(({ revision }) => revision);

it('tells after the calls of this turn, one at a time, and then only the latest', async () => {
  acknowledger.routed(replica, 1n);
  expect(asked).toEqual([]);
  await turn();
  expect(asked).toEqual([{ watchId: acknowledger.watchId, revision: 1n }]);
  acknowledger.routed(replica, 2n);
  acknowledger.routed(replica, 3n);
  await turn();
  expect(revisions()).toEqual([1n]);
  answer.resolve();
  await turn();
  expect(revisions()).toEqual([1n, 3n]);
});

it('goes on after one that failed', async () => {
  answer.reject(new Error('the registry is away'));
  acknowledger.routed(replica, 1n);
  await turn();
  await turn();
  acknowledger.routed(replica, 2n);
  await turn();
  expect(revisions()).toEqual([1n, 2n]);
});

it('says nothing once it is closed', async () => {
  acknowledger.routed(replica, 1n);
  closer.abort();
  await turn();
  expect(asked).toEqual([]);
});
