import { ServerError, Status } from 'nice-grpc-common';
import {
  BadRequest,
  type ErrorDetails,
  ErrorInfo,
  ResourceInfo,
  RetryInfo,
  RichServerError,
} from 'nice-grpc-error-details';
import { boundedFacts, boundedMessage, boundedText, boundedViolations } from './status-size.ts';

/** Domain of every ErrorInfo that Weft sends. */
export const ERROR_DOMAIN = 'weft';

/** One thing wrong with one field of a request. */
export interface FieldViolation {
  /** Path of the field as the contract spells it: `instance.address.port`, `lines[2].quantity`. */
  field: string;
  /** What it must be. */
  description: string;
}

interface Reason {
  /** Stable, upper snake case: programs match on it, never on the message. */
  reason: string;
  /** Facts for programs: ids, limits. */
  metadata?: Record<string, string>;
}

function statusError(
  code: Status,
  message: string,
  { reason, metadata = {} }: Reason,
  ...more: ErrorDetails[]
): RichServerError {
  const facts = boundedFacts(metadata);
  const info = ErrorInfo.fromPartial({ reason, domain: ERROR_DOMAIN, metadata: facts });
  return new RichServerError(code, boundedMessage(message), [info, ...more]);
}

/**
 * INVALID_ARGUMENT with one BadRequest violation per bad field: the first ten, and in the message and
 * as `omitted_violations` how many more there are.
 */
export function invalidArgument(...violations: FieldViolation[]): RichServerError {
  const { first, omitted } = boundedViolations(violations);
  const texts = first.map(({ field, description }) => `${field}: ${description}`);
  const more = omitted === 0 ? '' : `; and ${omitted} more`;
  return statusError(
    Status.INVALID_ARGUMENT,
    boundedMessage(texts.join('; '), more),
    {
      reason: 'INVALID_FIELD',
      metadata: omitted === 0 ? {} : { omitted_violations: `${omitted}` },
    },
    BadRequest.fromPartial({ fieldViolations: first }),
  );
}

/**
 * NOT_FOUND naming the resource: `notFound('user', id)`.
 * @param hint what the caller can do, such as the name that was probably meant
 */
export function notFound(resourceType: string, resourceName: string, hint = ''): RichServerError {
  return statusError(
    Status.NOT_FOUND,
    `${resourceType} '${resourceName}' does not exist${hint && `; ${hint}`}`,
    { reason: `${resourceType.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}_NOT_FOUND` },
    ResourceInfo.fromPartial({ resourceType, resourceName: boundedText(resourceName) }),
  );
}

/** ALREADY_EXISTS: something else holds the name or key. */
export function alreadyExists(message: string, reason: Reason): RichServerError {
  return statusError(Status.ALREADY_EXISTS, message, reason);
}

/** FAILED_PRECONDITION: the request is fine, the state it needs is not; do not simply retry. */
export function failedPrecondition(message: string, reason: Reason): RichServerError {
  return statusError(Status.FAILED_PRECONDITION, message, reason);
}

/** UNAUTHENTICATED: the caller did not show who it is. */
export function unauthenticated(message: string, reason: Reason): RichServerError {
  return statusError(Status.UNAUTHENTICATED, message, reason);
}

/** ABORTED: someone else changed it meanwhile; read again and retry at a higher level. */
export function aborted(message: string, reason: Reason): RichServerError {
  return statusError(Status.ABORTED, message, reason);
}

/** OUT_OF_RANGE: past the end of what there is. */
export function outOfRange(message: string, reason: Reason): RichServerError {
  return statusError(Status.OUT_OF_RANGE, message, reason);
}

function retryInfo(retryAfterMs: number): RetryInfo {
  const retryDelay = {
    seconds: Math.floor(retryAfterMs / 1000),
    nanos: (retryAfterMs % 1000) * 1_000_000,
  };
  return RetryInfo.fromPartial({ retryDelay });
}

/** RESOURCE_EXHAUSTED: a limit is reached; with RetryInfo where waiting `retryAfterMs` may help. */
export function resourceExhausted(
  message: string,
  { retryAfterMs, ...reason }: Reason & { retryAfterMs?: number },
): RichServerError {
  const details = retryAfterMs === undefined ? [] : [retryInfo(retryAfterMs)];
  return statusError(Status.RESOURCE_EXHAUSTED, message, reason, ...details);
}

/** UNAVAILABLE with RetryInfo: the same request may succeed after `retryAfterMs` (default 1000). */
export function unavailable(
  message: string,
  { retryAfterMs = 1000, ...reason }: Reason & { retryAfterMs?: number },
): RichServerError {
  return statusError(Status.UNAVAILABLE, message, reason, retryInfo(retryAfterMs));
}

/** Collects what is wrong with a request, so that one answer names every bad field. */
export class FieldChecks {
  readonly #violations: FieldViolation[] = [];

  /** Records a violation of `field` unless `holds`. Answers `holds`. */
  check(holds: boolean, field: string, description: string): boolean {
    if (!holds) this.#violations.push({ field, description });
    return holds;
  }

  /** Throws INVALID_ARGUMENT if anything was recorded. */
  throwIfAny(): void {
    if (this.#violations.length > 0) throw invalidArgument(...this.#violations);
  }
}

/** Whether an error is a gRPC status meant for the caller. */
export function isStatusError(error: unknown): error is ServerError {
  return error instanceof ServerError;
}
