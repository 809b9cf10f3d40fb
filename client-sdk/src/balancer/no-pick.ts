import { addressText } from '@weft/proto';
import type { AttemptEnd, CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';
import { statusName } from './status-name.ts';

/** Why no endpoint can be picked now. */
export type NoPick =
  /** A connection is being made, or the registry asked: the call may wait for it. */
  | { readonly kind: 'wait' }
  /**
   * Waiting does not help: the call fails with this code and message. It is final when a breaker, a
   * limit or the rule never to ask an instance twice forbids the attempt, so that no retry of it would
   * be let through either. After such an end, what the last attempt met tells the caller more than
   * that there is no other instance to ask.
   */
  | {
      readonly kind: 'fail';
      readonly code: 'UNAVAILABLE' | 'RESOURCE_EXHAUSTED';
      readonly isFinal: boolean;
      readonly message: string;
      readonly lastEnd?: AttemptEnd | undefined;
    };

/** What has to be known of a service to say why a call of it cannot be sent. */
interface ServiceState {
  readonly service: string;
  readonly endpoints: Iterable<Endpoint>;
  readonly size: number;
  readonly inFlight: number;
  readonly policy: { readonly maxInFlight: number; readonly maxInFlightPerInstance: number };
  readonly knowledge: { readonly state: 'unknown' | 'known' | 'failed'; readonly message?: string };
}

const MOST_FACTS = 5;

type Objection = 'tried' | 'unlisted' | 'breaker' | 'connection' | 'resting' | 'full';

/** Why an endpoint does not take `call`; undefined when it is only not connected yet. */
function objection(
  endpoint: Endpoint,
  call: CallRecord,
  maxInFlight: number,
): Objection | undefined {
  if (call.isExcluded(endpoint)) return 'tried';
  if (!endpoint.isListedForCalls) return 'unlisted';
  if (endpoint.breaker.state !== 'closed') return 'breaker';
  if (endpoint.connection.state === 'failing') return 'connection';
  if (endpoint.restingUntil > 0) return 'resting';
  return endpoint.inFlight >= maxInFlight ? 'full' : undefined;
}

/** An objection in words. */
function factOf(endpoint: Endpoint, why: Objection, call: CallRecord, maxInFlight: number): string {
  const { instance, breaker, connection, inFlight, weight } = endpoint;
  const { id } = instance;
  switch (why) {
    case 'tried': {
      const end = call.attempts.find((attempt) => attempt.endpoint.key === endpoint.key)?.end;
      return `${id} was tried already${end ? ` and ended ${statusName(end.statusCode)}` : ''}`;
    }
    case 'unlisted':
      if (endpoint.failsHealthCheck) return `${id} fails its health check`;
      return `${id} ${weight > 0 ? 'is not RUNNING' : 'has weight 0'}`;
    case 'breaker':
      return `breaker of ${id} is ${breaker.state}`;
    case 'connection': {
      const error = connection.state === 'failing' ? connection.error : '';
      return `no connection to ${id} at ${addressText(instance.address)}: ${error}`;
    }
    case 'resting':
      return `${id} is overloaded and asks to be left alone for a while`;
    case 'full':
      return `${id} has ${inFlight} calls in flight (maxInFlightPerInstance ${maxInFlight})`;
  }
}

/**
 * Finds out why none of a service's endpoints can take the next attempt of `call`.
 * @param refusal what else forbids it
 */
export function explainNoPick(state: ServiceState, call: CallRecord, refusal?: string): NoPick {
  const { service, knowledge } = state;
  const { maxInFlightPerInstance } = state.policy;
  const unavailable = { kind: 'fail', code: 'UNAVAILABLE', isFinal: false } as const;
  if (knowledge.state === 'failed') return { ...unavailable, message: knowledge.message ?? '' };
  if (knowledge.state === 'unknown') return { kind: 'wait' };
  if (state.size === 0) {
    return { ...unavailable, message: `${service} has no instances in the registry` };
  }
  const facts: string[] = refusal === undefined ? [] : [refusal];
  const counts = { tried: 0, unlisted: 0, breaker: 0, connection: 0, resting: 0, full: 0 };
  let untold = 0;
  for (const endpoint of state.endpoints) {
    const why = objection(endpoint, call, maxInFlightPerInstance);
    if (why === undefined) {
      if (refusal === undefined) return { kind: 'wait' };
      continue;
    }
    counts[why] += 1;
    // Words cost more than the search, and nobody reads a thousand of them.
    if (facts.length === MOST_FACTS) untold += 1;
    else facts.push(factOf(endpoint, why, call, maxInFlightPerInstance));
  }
  if (untold > 0) facts.push(`and ${untold} more`);
  const rejecting = counts.tried + counts.breaker;
  const isFull = counts.full + counts.resting > 0 && counts.connection === 0 && rejecting === 0;
  const isForbidden = refusal !== undefined || (counts.connection === 0 && rejecting > 0);
  return {
    kind: 'fail',
    code: isFull ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE',
    // Another attempt of a hedged call may still answer it.
    isFinal: (isForbidden || isFull) && !call.isInFlight,
    lastEnd: call.attempts.at(-1)?.end,
    message: `no instance of ${service} takes this call (${facts.join('; ')})`,
  };
}

/** Most picks of a call that gRPC does not start. It is also the most attempts that gRPC makes of a call. */
const MOST_UNSENT = 5;

/**
 * Ends a call that gRPC could not start on any of the connections picked for it; undefined if there were
 * few. gRPC would pick again without end, and it drops each connection on which it could not start a call.
 */
export function notStarted(
  { service }: ServiceState,
  { attempts, unsent }: CallRecord,
): NoPick | undefined {
  if (unsent < MOST_UNSENT) return undefined;
  return {
    kind: 'fail',
    code: 'UNAVAILABLE',
    isFinal: true,
    lastEnd: attempts.at(-1)?.end,
    message: `a call to ${service} could not be started on ${unsent} connections`,
  };
}

/** The service has as many calls of this client in flight as it may have. */
export function overloaded({ service, inFlight, policy }: ServiceState, call: CallRecord): NoPick {
  return {
    kind: 'fail',
    code: 'RESOURCE_EXHAUSTED',
    isFinal: !call.isInFlight,
    lastEnd: call.attempts.at(-1)?.end,
    message: `${inFlight} calls to ${service} are in flight; maxInFlight is ${policy.maxInFlight}`,
  };
}
