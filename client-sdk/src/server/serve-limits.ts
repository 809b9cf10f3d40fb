import type { ChannelOptions } from '@grpc/grpc-js';
import { DEFAULT_SIZE_LIMITS, type SheddingSettings, type SizeLimits } from '@weft/proto';
import {
  type FieldReaders,
  fieldsOf,
  LONGEST_MS,
  LONGEST_TIMER_MS,
  msOrNever,
  numberIn,
  orFalse,
  wholeNumberIn,
} from '../policy/readers.ts';
import { overlaySizeLimits, sizeLimitFields } from '../policy/size-limit-fields.ts';

/** When a service refuses new calls because its event loop lags. */
export interface SheddingOptions {
  /**
   * Lag of the event loop above which new calls are refused, in ms, from 10 to 60,000. It sheds at
   * the second late turn in a row and takes calls again below half of it. Default 500: two such
   * turns still leave half of the 2 s that a call has by default, and neither garbage collection nor
   * a busy neighbour makes two in a row of a healthy process (200 was seen on a shared machine).
   */
  maxLagMs?: number;
  /**
   * After how long refused callers may try again, in ms, a quarter more or less so that they do not
   * come in step; at most 60,000. Default 250: the backlog is mostly worked off, and another instance
   * may have answered by then.
   */
  pushbackMs?: number;
}

/**
 * What a service takes on, and for how long. The limits of `SizeLimits` hold for all of its methods: they
 * are about the requests that it receives and the responses that it sends.
 */
export interface ServeLimits extends Partial<SizeLimits> {
  /**
   * Load shedding: while the event loop lags, new calls end at once with RESOURCE_EXHAUSTED, reason
   * OVERLOADED, RetryInfo and server pushback. Health, reflection and identity are always answered.
   * False switches it off. Default on.
   */
  shedding?: SheddingOptions | false;
  /**
   * Calls that one connection may have open at once, from 1; more wait in the client. Default 1000:
   * far above what a healthy client has in flight, yet no client can make it hold calls without end.
   */
  maxConcurrentStreams?: number;
  /**
   * Age at which a connection is closed, give or take a tenth, in ms; at most a day, Infinity for
   * never. New calls then take a new connection, so that clients behind a proxy or a changed name spread
   * anew. Calls in flight finish. Their handlers see `closing`, and a call that is still open after
   * MAX_CONNECTION_AGE_GRACE_MS is cut off. Default 1,800,000 (30 min).
   */
  maxConnectionAgeMs?: number;
  /**
   * Deadline of unary calls that came without one, in ms; Infinity for none. Mesh clients always send
   * theirs. Default 30,000, as long as a drain waits: nothing is left running for ever.
   */
  defaultDeadlineMs?: number;
}

/** How long calls may outlive the age limit of their connection, in ms, before they are cut off. */
export const MAX_CONNECTION_AGE_GRACE_MS = 300_000;

/** Limits with every default filled in. */
export interface ResolvedLimits {
  readonly shedding: SheddingSettings | false;
  readonly maxConcurrentStreams: number;
  readonly maxConnectionAgeMs: number;
  readonly defaultDeadlineMs: number;
  readonly sizeLimits: SizeLimits;
}

/** Reads every field of `ServeLimits`. */
export const limitFields: FieldReaders<ServeLimits> = {
  shedding: orFalse(
    fieldsOf<SheddingOptions>({
      maxLagMs: numberIn(10, 60_000, ' of ms'),
      pushbackMs: numberIn(0, 60_000, ' of ms'),
    }),
  ),
  maxConcurrentStreams: wholeNumberIn(1, 2 ** 31 - 1),
  maxConnectionAgeMs: msOrNever(LONGEST_MS),
  defaultDeadlineMs: msOrNever(LONGEST_TIMER_MS),
  ...sizeLimitFields,
};

/** Fills in defaults of checked limits. */
export function resolveServeLimits(limits: ServeLimits): ResolvedLimits {
  const { shedding = {}, maxConcurrentStreams = 1000 } = limits;
  const { maxConnectionAgeMs = 1_800_000, defaultDeadlineMs = 30_000 } = limits;
  return {
    shedding: shedding && { maxLagMs: 500, pushbackMs: 250, ...shedding },
    maxConcurrentStreams,
    maxConnectionAgeMs,
    defaultDeadlineMs,
    sizeLimits: overlaySizeLimits(DEFAULT_SIZE_LIMITS, limits),
  };
}

/** The limits as gRPC knows them. */
export function transportOf(limits: ResolvedLimits): ChannelOptions {
  const { maxConcurrentStreams, maxConnectionAgeMs } = limits;
  const age: ChannelOptions =
    maxConnectionAgeMs === Number.POSITIVE_INFINITY
      ? {}
      : {
          'grpc.max_connection_age_ms': maxConnectionAgeMs,
          'grpc.max_connection_age_grace_ms': MAX_CONNECTION_AGE_GRACE_MS,
        };
  return { 'grpc.max_concurrent_streams': maxConcurrentStreams, ...age };
}
