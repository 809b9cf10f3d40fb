import type { Metadata } from '@grpc/grpc-js';
import { type Log, PUSHBACK_TRAILER, silentLog } from '@weft/proto';
import type { Balancer } from '../balancer/balancer.ts';
import { type CallReport, reportOn, reportText } from '../balancer/call-report.ts';
import { isReported } from '../breaker/classify.ts';
import type { ConfigSelector, Filter } from '../grpc-experimental.ts';
import type { ClientSpan } from '../tracing/client-span.ts';
import { tell } from '../user-callback.ts';
import type { PlannedCall } from './planned-call.ts';

type FilterFactory = ReturnType<ConfigSelector['invoke']>['dynamicFilterFactories'][number];
type Message = Parameters<Filter['sendMessage']>[0];
type CallStatus = Parameters<Filter['receiveTrailers']>[0];

/** Listeners for the end of one call. */
interface Onlookers {
  readonly onReport?: ((report: CallReport) => void) | undefined;
  /** Called with the report of a call that failed, if it gets one. Must not throw. */
  readonly onFailure?: ((report: CallReport) => void) | undefined;
  /** Told when `onReport` throws, which the call must not end by. */
  readonly log?: Log;
  readonly span?: ClientSpan | undefined;
}

const reports = new WeakMap<Metadata, CallReport>();

/** How the call fared that ended with these trailers, if it failed for want of a good instance. */
export function reportOfTrailers(trailers: Metadata): CallReport | undefined {
  return reports.get(trailers);
}

/**
 * Watches the final status of a call. If the call failed for a reason that may lie outside the caller, the
 * filter keeps a report of it: what was known of the service, and how each attempt ended. The message of a
 * status that this process made ends with the report in brackets. A message of the server never changes.
 */
export class CallFilter implements Filter, FilterFactory {
  readonly #balancer: Balancer;
  readonly #call: PlannedCall;
  readonly #onlookers: Onlookers;

  constructor(balancer: Balancer, call: PlannedCall, onlookers: Onlookers = {}) {
    this.#balancer = balancer;
    this.#call = call;
    this.#onlookers = onlookers;
  }

  createFilter(): this {
    return this;
  }

  sendMetadata(metadata: Promise<Metadata>): Promise<Metadata> {
    return metadata;
  }

  receiveMetadata(metadata: Metadata): Metadata {
    return metadata;
  }

  sendMessage(message: Message): Message {
    return message;
  }

  receiveMessage(message: Promise<Buffer>): Promise<Buffer> {
    return message;
  }

  receiveTrailers(end: CallStatus): CallStatus {
    const { onReport, onFailure, span, log = silentLog } = this.#onlookers;
    span?.end(this.#balancer.service, this.#call, end.code, end.details);
    const isFailure = isReported(end.code);
    if (!isFailure && onReport === undefined) return end;
    const report = reportOn(this.#balancer, this.#call, end.code);
    if (onReport !== undefined) tell(log, 'onReport', () => onReport(report));
    if (!isFailure) return end;
    onFailure?.(report);
    end.metadata.remove(PUSHBACK_TRAILER);
    reports.set(end.metadata, report);
    if (this.#isFromServer(end)) return end;
    return { ...end, details: `${end.details} [${reportText(report)}]` };
  }

  /** Whether one of the attempts ended with this very status, and the server had sent it. */
  #isFromServer({ metadata }: CallStatus): boolean {
    return this.#call.attempts.some(
      ({ end }) => end?.trailers === metadata && end.endedBy === 'server',
    );
  }
}
