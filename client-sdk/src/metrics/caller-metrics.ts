import { status } from '@grpc/grpc-js';
import type { CallType } from '@weft/proto';
import { addCallMetrics, CallSeries, codeLabel, MetricSet } from '@weft/proto/metrics';
import type { AttemptCounter } from '../balancer/balancer-options.ts';
import type { Endpoint } from '../balancer/endpoint.ts';
import type { BreakerState } from '../breaker/breaker.ts';
import type { BreakerView } from '../breaker/breaker-view.ts';
import type { MeshEvents } from '../mesh-events.ts';

/** What is called, as it is whenever looked at. */
export interface Callee {
  readonly service: string;
  /** Listed instances. */
  readonly instances: number;
  /** Attempts in flight. */
  readonly inFlight: number;
}

export interface CallerMetricsOptions {
  events: MeshEvents;
  breakers: () => readonly BreakerView[];
  callees: () => readonly Callee[];
  /** The kind of a method; undefined when no contract told of it. */
  typeOf: (path: string) => CallType | undefined;
}

/** Methods of one service that are counted apart; a program that calls more, as proxies do, has the rest as one. */
const MOST_METHODS = 1000;
const REST = '/other/other';

const BREAKER_STATES: Readonly<Record<BreakerState, number>> = {
  closed: 0,
  'half-open': 1,
  open: 2,
};

/** Counts by labels that are few. */
class Tally {
  readonly #counts = new Map<string, { labels: Record<string, string>; value: number }>();

  add(labels: Record<string, string>): void {
    const key = Object.values(labels).join('/');
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { labels, value: 1 });
    else known.value += 1;
  }

  readonly read = () => this.#counts.values();
}

/** What one service is called for. */
class CalleeCounts {
  readonly methods = new Map<string, CallSeries>();
  retries = 0;

  seriesOf(path: string): CallSeries {
    const known = this.methods.get(path);
    if (known !== undefined) return known;
    if (this.methods.size >= MOST_METHODS && path !== REST) return this.seriesOf(REST);
    const series = new CallSeries();
    this.methods.set(path, series);
    return series;
  }
}

/**
 * The metrics of what this process calls: `grpc_client_*`, which count attempts, so a retried call more
 * than once, and `weft_client_*`.
 */
export class CallerMetrics implements AttemptCounter {
  readonly set = new MetricSet();
  readonly #typeOf: CallerMetricsOptions['typeOf'];
  readonly #callees = new Map<string, CalleeCounts>();
  readonly #noPicks = new Tally();
  readonly #ejections = new Tally();

  constructor({ events, breakers, callees, typeOf }: CallerMetricsOptions) {
    this.#typeOf = typeOf;
    const openings = new Tally();
    events.on('breakerChanged', ({ service, to }) => {
      if (to === 'open') openings.add({ callee: service });
    });
    events.on('instanceEjected', ({ service, reason }) =>
      this.#ejections.add({ callee: service, reason }),
    );
    const { set } = this;
    addCallMetrics(set, 'grpc_client', 'Attempts', () => this.#series());
    set.counter('weft_client_retries_total', 'Attempts after the first of a call.', () =>
      [...this.#callees].map(([callee, { retries }]) => ({ labels: { callee }, value: retries })),
    );
    set.counter(
      'weft_client_picks_failed_total',
      'Attempts that no instance could be picked for, by the status that ended them.',
      this.#noPicks.read,
    );
    set.counter(
      'weft_client_ejections_total',
      'Times an instance was left out of the picks, by reason.',
      this.#ejections.read,
    );
    set.counter('weft_client_breaker_openings_total', 'Times a breaker opened.', openings.read);
    set.gauge(
      'weft_client_breaker_state',
      'Breaker of an instance: 0 closed, traffic flows; 1 half-open; 2 open.',
      () =>
        breakers().map(({ service, instanceId, state }) => ({
          labels: { callee: service, callee_instance: instanceId },
          value: BREAKER_STATES[state],
        })),
    );
    const gauge = (name: string, help: string, read: (callee: Callee) => number) =>
      set.gauge(`weft_client_${name}`, help, () =>
        callees().map((each) => ({ labels: { callee: each.service }, value: read(each) })),
      );
    gauge('instances', 'Instances that discovery knows of.', ({ instances }) => instances);
    gauge('in_flight', 'Attempts in flight.', ({ inFlight }) => inFlight);
  }

  started({ instance }: Endpoint, path: string, isRetry: boolean): void {
    const callee = this.#calleeOf(instance.service);
    callee.seriesOf(path).started += 1;
    if (isRetry) callee.retries += 1;
  }

  count({ instance }: Endpoint, path: string, statusCode: number, durationMs: number): void {
    this.#calleeOf(instance.service).seriesOf(path).ended(statusCode, durationMs);
  }

  pickFailed(service: string, code: 'UNAVAILABLE' | 'RESOURCE_EXHAUSTED'): void {
    this.#noPicks.add({ callee: service, grpc_code: codeLabel(status[code]) });
  }

  #calleeOf(service: string): CalleeCounts {
    const known = this.#callees.get(service);
    if (known !== undefined) return known;
    const counts = new CalleeCounts();
    this.#callees.set(service, counts);
    return counts;
  }

  *#series() {
    for (const [callee, { methods }] of this.#callees) {
      for (const [path, series] of methods) {
        const [, service = '', method = ''] = path.split('/');
        const labels = {
          callee,
          grpc_type: this.#typeOf(path) ?? 'unknown',
          grpc_service: service,
          grpc_method: method,
        };
        yield [labels, series] as const;
      }
    }
  }
}
