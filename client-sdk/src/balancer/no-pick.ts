import type { AttemptEnd, CallRecord } from './call-record.ts';
import { addressText, type Endpoint } from './endpoint.ts';
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

/** Why an endpoint does not take `call`; undefined when it is only not connected yet. */
function objection(endpoint: Endpoint, call: CallRecord, maxInFlight: number): string | undefined {
  const { instance, breaker, connection } = endpoint;
  const { id } = instance;
  if (call.isExcluded(endpoint)) {
    const end = call.attempts.find((attempt) => attempt.endpoint === endpoint)?.end;
    return `${id} was tried already${end ? ` and ended ${statusName(end.statusCode)}` : ''}`;
  }
  if (!endpoint.isListedForCalls)
    return `${id} ${endpoint.weight > 0 ? 'is not RUNNING' : 'has weight 0'}`;
  if (breaker.state !== 'closed') return `breaker of ${id} is ${breaker.state}`;
  if (connection.state === 'failing') {
    return `no connection to ${id} at ${addressText(instance.address)}: ${connection.error}`;
  }
  if (endpoint.inFlight >= maxInFlight) {
    return `${id} has ${endpoint.inFlight} calls in flight; maxInFlightPerInstance is ${maxInFlight}`;
  }
  return undefined;
}

/**
 * Finds out why none of a service's endpoints can take the next attempt of `call`.
 * @param refusal what else forbids it
 */
export function explainNoPick(state: ServiceState, call: CallRecord, refusal?: string): NoPick {
  const { service, knowledge, policy } = state;
  const unavailable = { kind: 'fail', code: 'UNAVAILABLE', isFinal: false } as const;
  if (knowledge.state === 'failed') return { ...unavailable, message: knowledge.message ?? '' };
  if (knowledge.state === 'unknown') return { kind: 'wait' };
  if (state.size === 0) {
    return { ...unavailable, message: `${service} has no instances in the registry` };
  }
  const facts: string[] = refusal === undefined ? [] : [refusal];
  let rejecting = call.attempts.filter(({ isRefused }) => !isRefused).length;
  let reconnecting = 0;
  let full = 0;
  for (const endpoint of state.endpoints) {
    const reason = objection(endpoint, call, policy.maxInFlightPerInstance);
    if (reason === undefined && refusal === undefined) return { kind: 'wait' };
    if (reason !== undefined) facts.push(reason);
    if (!endpoint.isListedForCalls || call.isExcluded(endpoint)) continue;
    if (endpoint.breaker.state !== 'closed') rejecting += 1;
    else if (endpoint.connection.state === 'failing') reconnecting += 1;
    else if (endpoint.inFlight >= policy.maxInFlightPerInstance) full += 1;
  }
  const isFull = full > 0 && reconnecting === 0 && rejecting === 0;
  const isForbidden = refusal !== undefined || (reconnecting === 0 && rejecting > 0);
  return {
    kind: 'fail',
    code: isFull ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE',
    // Another attempt of a hedged call may still answer it.
    isFinal: (isForbidden || isFull) && !call.isInFlight,
    lastEnd: call.attempts.at(-1)?.end,
    message: `no instance of ${service} takes this call (${shorten(facts)})`,
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

function shorten(facts: readonly string[]): string {
  const more = facts.length - MOST_FACTS;
  return facts.slice(0, MOST_FACTS).join('; ') + (more > 0 ? `; and ${more} more` : '');
}
