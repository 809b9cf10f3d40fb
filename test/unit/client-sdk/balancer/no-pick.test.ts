import { describe, expect, it } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { explainNoPick, overloaded } from '../../../../client-sdk/src/balancer/no-pick.ts';
import { endpoint, readyEndpoint, sentAttempt } from '../fixtures.ts';

type State = Parameters<typeof explainNoPick>[0];

function echo(endpoints: readonly Endpoint[], changes: Partial<State> = {}): State {
  return {
    service: 'echo',
    endpoints,
    size: endpoints.length,
    inFlight: 0,
    policy: { maxInFlight: 10, maxInFlightPerInstance: 3 },
    knowledge: { state: 'known' },
    ...changes,
  };
}

function failing(id: string): Endpoint {
  const each = endpoint(id);
  each.connection = { state: 'failing', error: 'ECONNREFUSED' };
  return each;
}

function drained(id: string): Endpoint {
  return endpoint(id, { weight: 0 });
}

function full(id: string): Endpoint {
  const each = readyEndpoint(id);
  each.inFlight = 3;
  return each;
}

function broken(id: string): Endpoint {
  const each = readyEndpoint(id);
  each.breaker.open();
  each.breaker.dispose();
  return each;
}

/** A call whose attempts at `endpoints` have ended. */
function triedAt(...endpoints: Endpoint[]): CallRecord {
  const call = new CallRecord();
  for (const each of endpoints) {
    sentAttempt(call, each).end = {
      statusCode: 14,
      details: '',
      trailers: undefined,
      endedBy: 'server',
      durationMs: 1,
    };
  }
  return call;
}

describe('explainNoPick', () => {
  it('waits for the first word of the registry, and says when it cannot be asked', () => {
    const unknown = echo([], { knowledge: { state: 'unknown' } });
    expect(explainNoPick(unknown, new CallRecord())).toEqual({ kind: 'wait' });
    const failed = echo([], { knowledge: { state: 'failed', message: 'no registry' } });
    expect(explainNoPick(failed, new CallRecord())).toEqual({
      kind: 'fail',
      code: 'UNAVAILABLE',
      isFinal: false,
      message: 'no registry',
    });
  });

  it('says that nothing is registered', () => {
    expect(explainNoPick(echo([]), new CallRecord())).toEqual({
      kind: 'fail',
      code: 'UNAVAILABLE',
      isFinal: false,
      message: 'echo has no instances in the registry',
    });
  });

  it('waits as long as one connection is being made', () => {
    const endpoints = [failing('a'), endpoint('b')];
    expect(explainNoPick(echo(endpoints), new CallRecord())).toEqual({ kind: 'wait' });
  });

  it('does not wait for a connection to where the call was tried, or that may take no calls', () => {
    const [tried, other] = [endpoint('a'), drained('b')];
    expect(explainNoPick(echo([tried, other]), triedAt(tried))).toEqual({
      kind: 'fail',
      code: 'UNAVAILABLE',
      isFinal: true,
      lastEnd: expect.objectContaining({ statusCode: 14 }),
      message:
        'no instance of echo takes this call ' +
        '(a was tried already and ended UNAVAILABLE; b has weight 0)',
    });
  });

  it('leaves the answer to an attempt that is still in flight', () => {
    const tried = endpoint('a');
    const hedged = new CallRecord();
    sentAttempt(hedged, tried);
    expect(explainNoPick(echo([tried]), hedged)).toMatchObject({
      isFinal: false,
      message: 'no instance of echo takes this call (a was tried already)',
    });
  });

  it('B12: says of each instance that it has weight 0, when all do', () => {
    expect(explainNoPick(echo([drained('a'), drained('b')]), new CallRecord())).toEqual({
      kind: 'fail',
      code: 'UNAVAILABLE',
      isFinal: false,
      lastEnd: undefined,
      message: 'no instance of echo takes this call ' + '(a has weight 0; b has weight 0)',
    });
  });

  it('says which connections fail and why; a retry may find them mended', () => {
    expect(explainNoPick(echo([failing('a'), failing('b')]), new CallRecord())).toEqual({
      kind: 'fail',
      code: 'UNAVAILABLE',
      isFinal: false,
      lastEnd: undefined,
      message:
        'no instance of echo takes this call ' +
        '(no connection to a at 127.0.0.1:1000: ECONNREFUSED; ' +
        'no connection to b at 127.0.0.1:1000: ECONNREFUSED)',
    });
  });

  it('fails for good where breakers reject, and not while a connection may still come', () => {
    expect(explainNoPick(echo([broken('a')]), new CallRecord())).toMatchObject({ isFinal: true });
    const endpoints = [broken('a'), failing('b')];
    expect(explainNoPick(echo(endpoints), new CallRecord())).toMatchObject({ isFinal: false });
  });

  it('is RESOURCE_EXHAUSTED when all that could take it are full, and nothing else is wrong', () => {
    expect(explainNoPick(echo([full('a'), full('b')]), new CallRecord())).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      isFinal: true,
      message: expect.stringContaining('a has 3 calls in flight'),
    });
    const endpoints = [full('a'), broken('b')];
    expect(explainNoPick(echo(endpoints), new CallRecord())).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('names what else forbids the attempt first, and then waits for no connection', () => {
    const state = echo([endpoint('a'), failing('b')]);
    expect(explainNoPick(state, triedAt(endpoint('c')), 'the retry budget is spent')).toEqual({
      kind: 'fail',
      code: 'UNAVAILABLE',
      isFinal: true,
      lastEnd: expect.objectContaining({ statusCode: 14 }),
      message:
        'no instance of echo takes this call ' +
        '(the retry budget is spent; no connection to b at 127.0.0.1:1000: ECONNREFUSED)',
    });
  });

  it('stays short however many there are', () => {
    const many = Array.from({ length: 1000 }, (_, i) => failing(`e${i}`));
    const reason = explainNoPick(echo(many), new CallRecord());
    expect(reason).toMatchObject({ message: expect.stringMatching(/; and 995 more\)$/) });
  });
});

describe('overloaded', () => {
  it('says how many calls are in flight and how many may be', () => {
    expect(overloaded(echo([], { inFlight: 10 }), new CallRecord())).toEqual({
      kind: 'fail',
      code: 'RESOURCE_EXHAUSTED',
      isFinal: true,
      lastEnd: undefined,
      message: '10 calls to echo are in flight; maxInFlight is 10',
    });
  });
});
