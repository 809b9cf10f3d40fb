import { type Metadata, status } from '@grpc/grpc-js';
import { type Log, PUSHBACK_TRAILER, silentLog } from '@weft/proto';
import type { Balancer } from '../balancer/balancer.ts';
import { type CallReport, reportOn, reportText } from '../balancer/call-report.ts';
import { classify } from '../breaker/classify.ts';
import type { ConfigSelector, Filter } from '../grpc-experimental.ts';
import type { ClientSpan } from '../tracing/client-span.ts';
import { tell } from '../user-callback.ts';
import type { PlannedCall } from './planned-call.ts';

type FilterFactory = ReturnType<ConfigSelector['invoke']>['dynamicFilterFactories'][number];
type Message = Parameters<Filter['sendMessage']>[0];
type CallStatus = Parameters<Filter['receiveTrailers']>[0];

/** Who wants to know how a call fared. */
interface Onlookers {
  readonly onReport?: ((report: CallReport) => void) | undefined;
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
 * Sees a call leave and its final status come, and adds to the message of one that failed for want of a
 * good instance what was known of the service and what each attempt met.
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
    const { onReport, span, log = silentLog } = this.#onlookers;
    span?.end(this.#balancer.service, this.#call, end.code, end.details);
    const isFailure = end.code !== status.OK && classify(end.code) === 'failure';
    if (!isFailure && onReport === undefined) return end;
    const report = reportOn(this.#balancer, this.#call, end.code);
    if (onReport !== undefined) tell(log, 'onReport', () => onReport(report));
    if (!isFailure) return end;
    end.metadata.remove(PUSHBACK_TRAILER);
    reports.set(end.metadata, report);
    return { ...end, details: `${end.details} [${reportText(report)}]` };
  }
}
