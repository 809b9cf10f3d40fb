import { Status } from '@weft/client-sdk';
import type { Script } from './contract.ts';

/** Clients with policies of their own. */
export const CLIENTS = {
  /** Up to 3 attempts, as by default. */
  plain: {},
  /** One hedge after 40 ms. */
  hedged: { hedging: { maxAttempts: 2, delayMs: 40 } },
  /** Up to 3 attempts of 60 ms each. */
  perTry: { retry: { maxAttempts: 3, perTryTimeoutMs: 60 } },
  /** One attempt. */
  once: { retry: false },
} as const;

export type ClientName = keyof typeof CLIENTS;

/**
 * What a call sends along: nothing, some entries, more entries than Node reads by default, a header that
 * HTTP/2 forbids, or more bytes than the limit.
 */
export type MetadataKind = 'none' | 'some' | 'many' | 'forbidden' | 'too large';

/** One call of the chaos test. */
export interface CallPlan {
  readonly method: 'get' | 'put' | 'list';
  readonly client: ClientName;
  readonly script: Script;
  readonly metadata: MetadataKind;
  /** Deadline, in ms. */
  readonly timeoutMs: number;
  /** When the caller cancels, in ms after the start; undefined for never. */
  readonly cancelAfterMs: number | undefined;
}

/** Default deadline of the test's calls, in ms. */
const TIMEOUT_MS = 3000;

/** Picks a value by weight. */
function weighted<T>(random: () => number, choices: readonly (readonly [T, number])[]): T {
  let left = random() * choices.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of choices) {
    left -= weight;
    if (left < 0) return value;
  }
  return (choices.at(-1) as readonly [T, number])[0];
}

const between = (random: () => number, least: number, most: number) =>
  Math.floor(least + random() * (most - least));

/** Draws the next call. Few calls fail by their script, so that no breaker of a live instance may open. */
export function drawCall(random: () => number, call: string): CallPlan {
  const method = weighted(random, [
    ['get', 60],
    ['put', 25],
    ['list', 15],
  ] as const);
  const client = weighted(random, [
    ['plain', 55],
    ['hedged', 15],
    ['perTry', 15],
    ['once', 15],
  ] as const);
  const code = weighted<number>(random, [
    [0, 90],
    [Status.NOT_FOUND, 3],
    [Status.UNAVAILABLE, 2],
    [Status.INTERNAL, 1],
    [Status.UNKNOWN, 1],
    [Status.RESOURCE_EXHAUSTED, 3],
  ]);
  const isShedding = code === Status.RESOURCE_EXHAUSTED && random() < 0.3;
  const isSlow = random() < 0.03;
  const sleepMs = isSlow
    ? 1200
    : weighted(random, [
        [0, 50],
        [between(random, 1, 120), 50],
      ]);
  return {
    method,
    client,
    script: {
      call,
      sleepMs: method === 'list' ? Math.min(sleepMs, 200) : sleepMs,
      responses: method === 'list' ? between(random, 1, 20) : 1,
      code,
      pushbackMs: isShedding ? 50 : undefined,
    },
    metadata: weighted(random, [
      ['none', 60],
      ['some', 25],
      ['many', 5],
      ['forbidden', 6],
      ['too large', 4],
    ] as const),
    timeoutMs: random() < 0.06 ? between(random, 3, 60) : method === 'list' ? 20_000 : TIMEOUT_MS,
    cancelAfterMs: random() < 0.06 ? between(random, 0, 150) : undefined,
  };
}
