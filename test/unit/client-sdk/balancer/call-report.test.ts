import { describe, expect, it } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import {
  type AttemptReport,
  type CallReport,
  reportOn,
  reportText,
} from '../../../../client-sdk/src/balancer/call-report.ts';
import { statusName } from '../../../../client-sdk/src/balancer/status-name.ts';
import { endpoint, sentAttempt } from '../fixtures.ts';

type State = Parameters<typeof reportOn>[0];

function state(part: Partial<State> = {}): State {
  const knowledge = { state: 'known', revision: 42n, at: 1500 } as const;
  return { service: 'echo', size: 2, endpoints: [], knowledge, now: () => 3000, ...part };
}

function call() {
  return Object.assign(new CallRecord(), { path: '/echo.v1.Echo/Get', startedAt: 2900 });
}

describe('reportOn', () => {
  it('tells of the service, its breakers and each attempt', () => {
    const [a, b] = [endpoint('a'), endpoint('b', { address: { host: '::1', port: 9 } })];
    a.breaker.open();
    a.breaker.dispose();
    const failed = call();
    const end = {
      statusCode: 14,
      details: 'gone',
      trailers: undefined,
      endedBy: 'server',
      durationMs: 20.4,
    } as const;
    sentAttempt(failed, a).end = end;
    sentAttempt(failed, b);
    expect(reportOn(state({ endpoints: [a, b] }), failed, 4)).toEqual({
      service: 'echo',
      method: '/echo.v1.Echo/Get',
      status: 'DEADLINE_EXCEEDED',
      durationMs: 100,
      candidates: 2,
      revision: '42',
      ageMs: 1500,
      openBreakers: ['a'],
      attempts: [
        {
          instance: 'a',
          address: '127.0.0.1:1000',
          status: 'UNAVAILABLE',
          endedBy: 'server',
          durationMs: 20.4,
        },
        {
          instance: 'b',
          address: '[::1]:9',
          status: undefined,
          endedBy: undefined,
          durationMs: undefined,
        },
      ],
    });
  });

  it('knows no revision before the registry has answered', () => {
    for (const knowledge of [{ state: 'unknown' }, { state: 'failed' }] as const) {
      const report = reportOn(state({ knowledge, size: 0 }), call(), 14);
      expect(report).toMatchObject({ revision: undefined, ageMs: undefined, candidates: 0 });
      expect(reportText(report)).toBe('echo: nothing known from the registry');
    }
  });
});

describe('reportText', () => {
  const report: CallReport = {
    service: 'echo',
    method: '/echo.v1.Echo/Get',
    status: 'UNAVAILABLE',
    durationMs: 12,
    candidates: 3,
    revision: '42',
    ageMs: 1540,
    kept: undefined,
    openBreakers: [],
    attempts: [],
  };

  it('is one line', () => {
    expect(reportText(report)).toBe('echo: 3 candidates at revision 42, 1.5 s old');
    const attempts: AttemptReport[] = [
      {
        instance: 'a',
        address: 'h:1',
        status: 'UNAVAILABLE',
        endedBy: 'server',
        durationMs: 20.4,
      },
      {
        instance: 'b',
        address: 'h:2',
        status: undefined,
        endedBy: undefined,
        durationMs: undefined,
      },
    ];
    expect(reportText({ ...report, openBreakers: ['a', 'c'], attempts })).toBe(
      'echo: 3 candidates at revision 42, 1.5 s old; breakers not closed: a, c; ' +
        'attempts: a at h:1 UNAVAILABLE in 20 ms, b at h:2 unanswered',
    );
  });

  it('says how many are kept though no longer listed, and why', () => {
    const kept = { count: 2, reason: 'the registry lost its store' } as const;
    expect(reportText({ ...report, kept })).toBe(
      'echo: 3 candidates at revision 42, 1.5 s old; ' +
        '2 of them kept though no longer listed, since the registry lost its store',
    );
  });

  it('stays short however many breakers are open', () => {
    const openBreakers = Array.from({ length: 1000 }, (_, i) => `e${i}`);
    expect(reportText({ ...report, openBreakers })).toContain('e3, e4 and 995 more');
  });
});

describe('statusName', () => {
  it.each([
    [0, 'OK'],
    [14, 'UNAVAILABLE'],
    [16, 'UNAUTHENTICATED'],
    [99, 'status 99'],
    [-1, 'status -1'],
  ])('of %i is %s', (code, name) => {
    expect(statusName(code)).toBe(name);
  });
});
