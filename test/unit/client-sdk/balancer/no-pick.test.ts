import { describe, expect, it } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { explainNoPick } from '../../../../client-sdk/src/balancer/no-pick.ts';
import { endpoint } from '../fixtures.ts';

function failing(id: string): Endpoint {
  const each = endpoint(id);
  each.connection = { state: 'failing', error: 'ECONNREFUSED' };
  return each;
}

function drained(id: string): Endpoint {
  const each = endpoint(id);
  each.instance = { ...each.instance, weight: 0 };
  return each;
}

function triedAt(...endpoints: Endpoint[]): CallRecord {
  const call = new CallRecord();
  for (const each of endpoints) call.attempts.push({ endpoint: each, end: undefined });
  return call;
}

describe('explainNoPick', () => {
  it('says that nothing is registered', () => {
    expect(explainNoPick('echo', [], new CallRecord())).toEqual({
      kind: 'fail',
      isFinal: false,
      message: 'echo has no instances in the registry',
    });
  });

  it('waits as long as one connection is being made', () => {
    const endpoints = [failing('a'), endpoint('b')];
    expect(explainNoPick('echo', endpoints, new CallRecord())).toEqual({ kind: 'wait' });
  });

  it('does not wait for a connection to where the call was tried, or that may take no calls', () => {
    const [tried, other] = [endpoint('a'), drained('b')];
    expect(explainNoPick('echo', [tried, other], triedAt(tried))).toEqual({
      kind: 'fail',
      isFinal: true,
      message:
        'no instance of echo takes this call (b is not RUNNING or has weight 0; a was tried already)',
    });
  });

  it('says which connections fail and why; a retry may find them mended', () => {
    expect(explainNoPick('echo', [failing('a'), failing('b')], new CallRecord())).toEqual({
      kind: 'fail',
      isFinal: false,
      message:
        'no instance of echo takes this call ' +
        '(no connection to a: ECONNREFUSED; no connection to b: ECONNREFUSED)',
    });
  });

  it('stays short however many there are', () => {
    const many = Array.from({ length: 1000 }, (_, i) => failing(`e${i}`));
    const reason = explainNoPick('echo', many, new CallRecord());
    expect(reason).toMatchObject({ message: expect.stringMatching(/; and 995 more\)$/) });
  });
});
