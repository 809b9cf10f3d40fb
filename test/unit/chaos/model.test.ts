import { describe, expect, it } from '@jest/globals';
import { Status } from '@weft/client-sdk';
import type { CallPlan } from '../../chaos/call-plan.ts';
import { AS_TOLD } from '../../chaos/contract.ts';
import { mostRuns, type Observation, violationsOf, type World } from '../../chaos/model.ts';

const calm: World = {
  endedAt: () => undefined,
  isDisturbed: () => false,
  hasEnded: () => false,
  wasSlow: () => false,
  isShedding: () => false,
};
const killed: World = { ...calm, endedAt: () => 900, isDisturbed: () => true };

type Attempt = Observation['report']['attempts'][number];

const attempt = (instance: string, more: Partial<Attempt> = {}): Attempt => ({
  instance,
  address: '127.0.0.1:1',
  status: 'OK',
  endedBy: 'server',
  durationMs: 10,
  ...more,
});

const script = { call: 'c1', sleepMs: 5, responses: 1, code: 0 };
const plan: CallPlan = {
  method: 'get',
  client: 'plain',
  script,
  metadata: 'none',
  timeoutMs: 3000,
  cancelAfterMs: undefined,
};

/** An undisturbed call that succeeded at `a`, with changes. */
function seen(more: Partial<Omit<Observation, 'plan'>> = {}, planned: Partial<CallPlan> = {}) {
  const base: Observation = {
    plan: { ...plan, ...planned },
    startedAt: 1000,
    endedAt: 1010,
    status: 'OK',
    details: '',
    responses: [{ instance: 'a', number: 0 }],
    report: { attempts: [attempt('a')] },
    runs: ['a'],
  };
  return { ...base, ...more };
}

const check = (observation: Observation, world = calm) =>
  violationsOf(observation, world, (code) => Status[code] as string);

const broken = { status: 'UNAVAILABLE', endedBy: 'connection' } as const;
const failing = { ...script, code: Status.UNAVAILABLE as number };

describe('the model of the chaos test', () => {
  it('finds nothing in a call that succeeds', () => {
    expect(check(seen())).toEqual([]);
  });

  it('finds a second handler run of a call that may have one', () => {
    const twice = seen({ runs: ['a', 'b'] }, { method: 'put' });
    expect(check(twice)).toContain('2 handlers ran, 1 may');
  });

  it('finds two runs on one instance, and a run that the report does not know', () => {
    expect(check(seen({ runs: ['a', 'a'] }))).toContainEqual(expect.stringMatching(/ran twice/));
    expect(check(seen({ runs: ['b'] }))).toContainEqual(expect.stringMatching(/no attempt there/));
  });

  it('finds a call that was moved although nothing was wrong', () => {
    const moved = seen({
      runs: ['b', 'a'],
      report: {
        attempts: [attempt('b', { status: 'UNAVAILABLE', endedBy: 'client' }), attempt('a')],
      },
    });
    expect(check(moved)).toEqual([
      'attempt 1: this client ended it with UNAVAILABLE at b',
      '2 handlers ran for a call that succeeded undisturbed',
    ]);
  });

  it('finds a connection that broke, unless its instance was killed', () => {
    const retried = seen({
      runs: ['a'],
      report: { attempts: [attempt('b', broken), attempt('a')] },
    });
    expect(check(retried)).toEqual(['attempt 1: the connection to b broke, and it was alive']);
    expect(check(retried, killed)).toEqual([]);
  });

  it('finds an attempt that was given up although no other followed', () => {
    const timedOut = { status: 'UNAVAILABLE', endedBy: 'timeout', durationMs: 60 } as const;
    const givenUp = seen(
      {
        status: 'UNAVAILABLE',
        details: 'no answer within 60 ms',
        responses: [],
        report: { attempts: [attempt('a', timedOut)] },
      },
      { client: 'perTry' },
    );
    expect(check(givenUp)).toEqual(['UNAVAILABLE, which nothing explains: no answer within 60 ms']);
    expect(check(givenUp, { ...calm, hasEnded: () => true })).toEqual([]);
  });

  it('finds bad metadata that was sent', () => {
    expect(check(seen({}, { metadata: 'forbidden' }))).toEqual(
      expect.arrayContaining(['a call with bad metadata was sent', expect.stringMatching(/^OK,/)]),
    );
    const refused = seen(
      { status: 'INVALID_ARGUMENT', responses: [], runs: [], report: { attempts: [] } },
      { metadata: 'forbidden' },
    );
    expect(check(refused)).toEqual([]);
  });

  it('finds a changed message of the server', () => {
    const failed = {
      status: 'NOT_FOUND',
      responses: [],
      report: { attempts: [attempt('a', { status: 'NOT_FOUND' })] },
    };
    const told = { script: { ...script, code: Status.NOT_FOUND as number } };
    expect(check(seen({ ...failed, details: AS_TOLD }, told))).toEqual([]);
    expect(check(seen({ ...failed, details: `${AS_TOLD} [chaos: ...]` }, told))).toEqual([
      expect.stringMatching(/^the message of the server was changed/),
    ]);
  });

  it('finds a retry after a status that forbids it', () => {
    const exhausted = { status: 'RESOURCE_EXHAUSTED' };
    const attempts = [attempt('b', exhausted), attempt('a', exhausted)];
    const told = { script: { ...script, code: Status.RESOURCE_EXHAUSTED as number } };
    const twice = seen(
      { ...exhausted, details: AS_TOLD, responses: [], report: { attempts }, runs: ['b', 'a'] },
      told,
    );
    expect(check(twice)).toContain('tried again after RESOURCE_EXHAUSTED');
  });

  it('finds a deadline that passed too early, or without a reason', () => {
    const late = { status: 'DEADLINE_EXCEEDED', responses: [], runs: [], report: { attempts: [] } };
    expect(check(seen(late))).toEqual([
      'the deadline passed after 10 ms',
      'late, although nothing held it up',
    ]);
    expect(check(seen({ ...late, endedAt: 4000 }), killed)).toEqual([]);
  });

  it('finds a cancellation that nobody asked for', () => {
    const cancelled = {
      status: 'CANCELLED',
      responses: [],
      report: { attempts: [attempt('a', { status: 'CANCELLED', endedBy: 'client' })] },
    };
    expect(check(seen(cancelled))).toContain('CANCELLED, although nobody cancelled it');
    expect(check(seen(cancelled, { cancelAfterMs: 8 }))).toEqual([]);
  });

  it('finds responses that are missing, doubled or out of order', () => {
    const list = { method: 'list', script: { ...script, responses: 2 } } as const;
    const responses = (...numbers: number[]) =>
      numbers.map((number) => ({ instance: 'a', number }));
    expect(check(seen({ responses: responses(0, 1) }, list))).toEqual([]);
    for (const wrong of [responses(0), responses(1, 0), responses(0, 0), responses(0, 1, 2)]) {
      expect(check(seen({ responses: wrong }, list))).toEqual([
        expect.stringMatching(/^OK, although/),
      ]);
    }
  });

  it('finds a failure that nothing explains', () => {
    const lost = {
      status: 'UNAVAILABLE',
      details: 'gone',
      responses: [],
      runs: [],
      report: { attempts: [] },
    };
    expect(check(seen(lost))).toEqual(['UNAVAILABLE, which nothing explains: gone']);
    expect(check(seen(lost), killed)).toEqual([]);
    expect(
      check(
        seen(
          {
            status: 'UNAVAILABLE',
            details: AS_TOLD,
            responses: [],
            report: { attempts: [attempt('a', { status: 'UNAVAILABLE' })] },
          },
          { script: failing },
        ),
      ),
    ).toEqual([]);
  });
});

describe('the most handler runs', () => {
  it('follows method and policy', () => {
    expect(mostRuns(plan)).toBe(3);
    expect(mostRuns({ ...plan, client: 'perTry' })).toBe(3);
    expect(mostRuns({ ...plan, client: 'hedged' })).toBe(2);
    expect(mostRuns({ ...plan, client: 'once' })).toBe(1);
    expect(mostRuns({ ...plan, method: 'put' })).toBe(1);
  });
});
