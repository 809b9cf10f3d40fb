import { status } from '@grpc/grpc-js';
import type { SizeLimits } from '@weft/proto';
import type { CallOptions } from 'nice-grpc-common';
import type { CallReport } from '../balancer/call-report.ts';
import { ConfigError } from '../errors.ts';
import { shown } from '../policy/faults.ts';
import { LONGEST_TIMER_MS } from '../policy/readers.ts';
import { givenSizeLimits } from '../policy/size-limit-fields.ts';
import type { CallContext } from '../server/call-context.ts';

/**
 * Options of one call by a mesh client, besides nice-grpc's `metadata`, `signal`, `onHeader` ... The limits
 * of `SizeLimits` stand over those of the policy.
 */
export interface MeshCallOptions extends Partial<SizeLimits> {
  /**
   * How long the call may take over all its attempts, in ms; sent to the server as its deadline.
   * Default: the policy's `defaultDeadlineMs` for unary methods, none for streams. Infinity for none.
   * A call made while another is answered never outlives the deadline of that one.
   */
  timeoutMs?: number;
  /** What `consistent_hash` goes by. Default: the policy's `hashHeader`, if the request has it. */
  hashKey?: string;
  /**
   * Told how the call fared, when it has ended: instances known, attempts, times. What it throws is
   * logged and changes nothing.
   */
  onReport?: (report: CallReport) => void;
}

/** A call with less left than this of the deadline it inherits is not made, in ms. */
const LEAST_BUDGET_MS = 1;

function refuse(option: string, mustBe: string, value: unknown): never {
  throw new ConfigError(option, mustBe, shown(value));
}

/**
 * For callers without types. Runs with each call: nothing but comparisons.
 * @throws ConfigError naming the first option that cannot be used
 */
export function checkCallOptions(options: CallOptions & MeshCallOptions): void {
  if (typeof options !== 'object' || options === null) refuse('options', 'an object', options);
  const { timeoutMs, hashKey, signal, onReport, onHeader, onTrailer } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && !Number.isNaN(timeoutMs))) {
    refuse('timeoutMs', 'a number of ms', timeoutMs);
  }
  if (hashKey !== undefined && typeof hashKey !== 'string') refuse('hashKey', 'text', hashKey);
  givenSizeLimits(options);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    refuse('signal', 'an AbortSignal', signal);
  }
  if (onReport !== undefined) checkCallback('onReport', onReport);
  if (onHeader !== undefined) checkCallback('onHeader', onHeader);
  if (onTrailer !== undefined) checkCallback('onTrailer', onTrailer);
}

function checkCallback(option: string, callback: unknown): void {
  if (typeof callback !== 'function') refuse(option, 'a function', callback);
}

/**
 * When a call must have ended, as Date.now() counts.
 * @param timeoutMs of the call, undefined for `defaultMs`; either may be Infinity or undefined for none
 */
export function deadlineOf(
  timeoutMs: number | undefined,
  defaultMs: number | undefined,
  incoming: CallContext | undefined,
): number {
  const ownMs = timeoutMs ?? defaultMs ?? Number.POSITIVE_INFINITY;
  const inherited = incoming?.deadline ?? Number.POSITIVE_INFINITY;
  // A timer holds no longer time; it is as good as none.
  if (ownMs > LONGEST_TIMER_MS) return inherited;
  return Math.min(Date.now() + Math.max(0, ownMs), inherited);
}

/** Why a call is not even begun; undefined when it is. */
export function spentDeadline(
  deadline: number,
): { readonly code: status; readonly details: string } | undefined {
  if (deadline - Date.now() >= LEAST_BUDGET_MS) return undefined;
  return {
    code: status.DEADLINE_EXCEEDED,
    details: 'the deadline had passed before the call was sent',
  };
}
