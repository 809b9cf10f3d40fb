import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  checkCallOptions,
  deadlineOf,
  spentDeadline,
} from '../../../../client-sdk/src/call/call-options.ts';
import { signalOf } from '../../../../client-sdk/src/call/mesh-client.ts';
import { IncomingCall } from '../../../../client-sdk/src/server/call-context.ts';

const { POSITIVE_INFINITY: never } = Number;
const NOW = 1_000_000;

beforeEach(() => {
  jest.useFakeTimers({ now: NOW });
});

afterEach(() => {
  jest.useRealTimers();
});

describe('deadlineOf', () => {
  it.each([
    [500, 2000, NOW + 500],
    [undefined, 2000, NOW + 2000],
    [undefined, undefined, never],
    [never, 2000, never],
    [Number.MAX_SAFE_INTEGER, 2000, never],
    [2 ** 31 - 1, 2000, NOW + 2 ** 31 - 1],
    [0, 2000, NOW],
    [-5, 2000, NOW],
  ])('of a timeout of %p with a default of %p', (timeoutMs, defaultMs, deadline) => {
    expect(deadlineOf(timeoutMs, defaultMs, undefined)).toBe(deadline);
  });

  it('is never after that of the call it is made for', () => {
    const incoming = new IncomingCall(NOW + 300);
    expect(deadlineOf(500, 2000, incoming)).toBe(NOW + 300);
    expect(deadlineOf(100, 2000, incoming)).toBe(NOW + 100);
    expect(deadlineOf(never, undefined, incoming)).toBe(NOW + 300);
    expect(deadlineOf(undefined, undefined, incoming)).toBe(NOW + 300);
    expect(deadlineOf(never, undefined, new IncomingCall(undefined))).toBe(never);
  });
});

describe('checkCallOptions', () => {
  it.each([
    ['options', null],
    ['options', 500],
    ['timeoutMs', { timeoutMs: '500' }],
    ['timeoutMs', { timeoutMs: null }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['hashKey', { hashKey: 7 }],
    ['signal', { signal: new AbortController() }],
    ['onReport', { onReport: true }],
    ['onHeader', { onHeader: {} }],
    ['onTrailer', { onTrailer: 'x' }],
  ])('refuses a bad %s: %p', (setting, options) => {
    const expected = expect.objectContaining({ code: 'INVALID_CONFIG', setting });
    expect(() => checkCallOptions(options as never)).toThrow(expected as never);
  });

  it('takes what fits, and what is not given', () => {
    const { signal } = new AbortController();
    const given = { timeoutMs: 0, hashKey: '', signal, onReport: () => {}, onHeader: undefined };
    for (const options of [{}, given, { timeoutMs: never }]) {
      expect(() => checkCallOptions(options)).not.toThrow();
    }
  });

  it('shows text as text', () => {
    expect(() => checkCallOptions({ timeoutMs: '500' } as never)).toThrow(
      'timeoutMs must be a number of ms, not "500"',
    );
  });
});

describe('spentDeadline (F31)', () => {
  it('keeps a call from being made that could not be answered in time', () => {
    const spent = { code: status.DEADLINE_EXCEEDED, details: expect.any(String) };
    expect(spentDeadline(NOW - 1)).toEqual(spent);
    expect(spentDeadline(NOW)).toEqual(spent);
    expect(spentDeadline(NOW + 0.5)).toEqual(spent);
    expect(spentDeadline(NOW + 1)).toBeUndefined();
    expect(spentDeadline(never)).toBeUndefined();
  });
});

describe('signalOf', () => {
  it('is the one there is, or aborts when either does (F32)', () => {
    const [own, incoming] = [new AbortController(), new AbortController()];
    expect(signalOf(undefined, undefined)).toBeUndefined();
    expect(signalOf(own.signal, undefined)).toBe(own.signal);
    expect(signalOf(undefined, incoming.signal)).toBe(incoming.signal);
    expect(signalOf(own.signal, own.signal)).toBe(own.signal);
    const both = signalOf(own.signal, incoming.signal);
    expect(both?.aborted).toBe(false);
    incoming.abort();
    expect(both?.aborted).toBe(true);
  });
});
