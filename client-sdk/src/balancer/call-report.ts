import { addressText } from '@weft/proto';
import type { EndedBy } from '../breaker/classify.ts';
import type { Kept } from '../discovery/instance-changes.ts';
import type { CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';
import { statusName } from './status-name.ts';

/** One attempt of a call, as told to whoever asks. */
export interface AttemptReport {
  readonly instance: string;
  readonly address: string;
  /** gRPC status by name; undefined while in flight. */
  readonly status: string | undefined;
  /** Where that status came from; undefined while in flight. */
  readonly endedBy: EndedBy | undefined;
  readonly durationMs: number | undefined;
}

/** How a call fared: what was known of the service, and what each attempt met. */
export interface CallReport {
  readonly service: string;
  /** `/user.v1.UserService/GetUser` */
  readonly method: string;
  /** gRPC status by name. */
  readonly status: string;
  readonly durationMs: number;
  /** Instances known to the client. */
  readonly candidates: number;
  /** Revision of the registry at which they were known, in digits; undefined if none is. */
  readonly revision: string | undefined;
  /** Age of that knowledge, in ms: time since the registry last told of a change. */
  readonly ageMs: number | undefined;
  /** Of the candidates, those that the registry no longer lists, and why they are; undefined for none. */
  readonly kept: Kept | undefined;
  /** Ids of the instances whose breaker was not closed. */
  readonly openBreakers: readonly string[];
  readonly attempts: readonly AttemptReport[];
}

/** What a report tells of a service. */
interface ServiceState {
  readonly service: string;
  readonly size: number;
  readonly endpoints: Iterable<Endpoint>;
  readonly knowledge:
    | { readonly state: 'unknown' | 'failed' }
    | {
        readonly state: 'known';
        readonly revision: bigint;
        readonly at: number;
        readonly kept?: Kept | undefined;
      };
  now(): number;
}

/** Reports on a call that ends now with `statusCode`. */
export function reportOn(
  state: ServiceState,
  call: CallRecord & { readonly startedAt: number },
  statusCode: number,
): CallReport {
  const now = state.now();
  const { knowledge } = state;
  const openBreakers: string[] = [];
  for (const { instance, breaker } of state.endpoints) {
    if (breaker.state !== 'closed') openBreakers.push(instance.id);
  }
  return {
    service: state.service,
    method: call.path,
    status: statusName(statusCode),
    durationMs: now - call.startedAt,
    candidates: state.size,
    revision: knowledge.state === 'known' ? String(knowledge.revision) : undefined,
    ageMs: knowledge.state === 'known' ? now - knowledge.at : undefined,
    kept: knowledge.state === 'known' ? knowledge.kept : undefined,
    openBreakers,
    attempts: call.attempts.map(({ endpoint, end }) => ({
      instance: endpoint.instance.id,
      address: addressText(endpoint.instance.address),
      status: end && statusName(end.statusCode),
      endedBy: end?.endedBy,
      durationMs: end?.durationMs,
    })),
  };
}

const MOST_NAMED = 5;

/** A report in a line, for the message of an error. */
export function reportText(report: CallReport): string {
  const { service, candidates, revision, ageMs, kept, openBreakers, attempts } = report;
  const known =
    revision === undefined
      ? 'nothing known from the registry'
      : `${candidates} candidates at revision ${revision}, ${seconds(ageMs ?? 0)} old`;
  const facts = [`${service}: ${known}`];
  if (kept !== undefined) {
    facts.push(`${kept.count} of them kept though no longer listed, since ${kept.reason}`);
  }
  if (openBreakers.length > 0) {
    const more = openBreakers.length - MOST_NAMED;
    const named = openBreakers.slice(0, MOST_NAMED).join(', ');
    facts.push(`breakers not closed: ${named}${more > 0 ? ` and ${more} more` : ''}`);
  }
  if (attempts.length > 0) {
    const each = attempts.map(
      ({ instance, address, status, durationMs }) =>
        `${instance} at ${address} ${status ?? 'unanswered'}` +
        (durationMs === undefined ? '' : ` in ${Math.round(durationMs)} ms`),
    );
    facts.push(`attempts: ${each.join(', ')}`);
  }
  return facts.join('; ');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
