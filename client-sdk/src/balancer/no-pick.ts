import type { AttemptEnd, CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';

/** Why no endpoint can be picked now. */
export type NoPick =
  /** A connection is being made: the call may wait for it. */
  | { readonly kind: 'wait' }
  /**
   * Waiting does not help: the call fails with UNAVAILABLE and this message. It is final when a
   * breaker or the rule never to ask an instance twice forbids the attempt, so that no retry of it
   * would be let through either. After such an end, what the last attempt met tells the caller more
   * than that there is no other instance to ask.
   */
  | {
      readonly kind: 'fail';
      readonly isFinal: boolean;
      readonly message: string;
      readonly lastEnd?: AttemptEnd | undefined;
    };

/** Finds out why none of `endpoints` can take the next attempt of `call`. */
export function explainNoPick(
  service: string,
  endpoints: readonly Endpoint[],
  call: CallRecord,
): NoPick {
  if (endpoints.length === 0) {
    return { kind: 'fail', isFinal: false, message: `${service} has no instances in the registry` };
  }
  const tried = endpoints.filter((endpoint) => call.isExcluded(endpoint));
  const untried = endpoints.filter((endpoint) => !call.isExcluded(endpoint));
  const unlisted = untried.filter((endpoint) => !endpoint.isListedForCalls);
  const listed = untried.filter((endpoint) => endpoint.isListedForCalls);
  const rejecting = listed.filter(({ breaker }) => breaker.state !== 'closed');
  const admitting = listed.filter(({ breaker }) => breaker.state === 'closed');
  if (admitting.some(({ connection }) => connection.state !== 'failing')) return { kind: 'wait' };
  const facts = [
    ...rejecting.map(({ instance, breaker }) => `breaker of ${instance.id} is ${breaker.state}`),
    ...admitting.map(({ instance, connection }) =>
      connection.state === 'failing' ? `no connection to ${instance.id}: ${connection.error}` : '',
    ),
    ...unlisted.map(({ instance }) => `${instance.id} is not RUNNING or has weight 0`),
    ...tried.map(
      ({ instance }) => `${instance.id} was tried already${statusOf(instance.id, call)}`,
    ),
  ];
  return {
    kind: 'fail',
    isFinal: admitting.length === 0 && (rejecting.length > 0 || tried.length > 0),
    lastEnd: call.attempts.at(-1)?.end,
    message: `no instance of ${service} takes this call (${shorten(facts)})`,
  };
}

function statusOf(id: string, call: CallRecord): string {
  const attempt = call.attempts.find(({ endpoint }) => endpoint.instance.id === id);
  return attempt?.end === undefined ? '' : ` and ended with status ${attempt.end.statusCode}`;
}

const MOST_FACTS = 5;

function shorten(facts: readonly string[]): string {
  const more = facts.length - MOST_FACTS;
  return facts.slice(0, MOST_FACTS).join('; ') + (more > 0 ? `; and ${more} more` : '');
}
