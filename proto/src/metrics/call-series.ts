import { status } from '@grpc/grpc-js';
import type { Labels, MetricSet, Sample } from './metric-set.ts';

/** Upper bounds of the buckets of a duration, in seconds; the last bucket has none. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** gRPC has the codes 0 to 16. */
const CODES = 17;

/** What is counted of the calls of one method. */
export class CallSeries {
  started = 0;
  readonly codes = new Float64Array(CODES);
  /** Not cumulative: how many fell into each. */
  readonly buckets = new Float64Array(BOUNDS.length + 1);
  seconds = 0;

  ended(code: number, elapsedMs: number): void {
    // A code that gRPC does not know counts as UNKNOWN.
    const known = code < CODES ? code : status.UNKNOWN;
    this.codes[known] = (this.codes[known] as number) + 1;
    const seconds = elapsedMs / 1000;
    this.seconds += seconds;
    let bucket = 0;
    while (seconds > (BOUNDS[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
  }
}

/** `DeadlineExceeded` of DEADLINE_EXCEEDED: codes as Go's middlewares, and so all dashboards, spell them. */
export function codeLabel(code: status): string {
  if (code === status.OK) return 'OK';
  if (code === status.CANCELLED) return 'Canceled';
  const name = status[code] ?? `Code(${code})`;
  return name
    .toLowerCase()
    .replaceAll(/(^|_)([a-z])/g, (_all, _gap, letter: string) => letter.toUpperCase());
}

function* histogramOf(name: string, labels: Labels, { buckets, seconds }: CallSeries) {
  let count = 0;
  for (const [index, inBucket] of buckets.entries()) {
    count += inBucket;
    const le = index < BOUNDS.length ? String(BOUNDS[index]) : '+Inf';
    yield { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
  }
  yield { metricName: `${name}_sum`, labels, value: seconds };
  yield { metricName: `${name}_count`, labels, value: count };
}

/**
 * Adds the metrics of calls under the names of the ecosystem's gRPC middlewares: `<prefix>_started_total`,
 * `_handled_total` and `_handling_seconds`.
 *
 * @param prefix `grpc_server` or `grpc_client`
 * @param what what is counted, in the plural, for their help
 * @param series what was counted, each with its labels
 */
export function addCallMetrics(
  set: MetricSet,
  prefix: 'grpc_server' | 'grpc_client',
  what: string,
  series: () => Iterable<readonly [Labels, CallSeries]>,
): void {
  set.counter(`${prefix}_started_total`, `${what} that have begun.`, () =>
    [...series()].map(([labels, { started }]) => ({ labels, value: started })),
  );
  set.counter(`${prefix}_handled_total`, `${what} that are over, by status.`, function* () {
    for (const [labels, { codes }] of series()) {
      for (const [code, value] of codes.entries()) {
        if (value > 0) yield { labels: { ...labels, grpc_code: codeLabel(code) }, value };
      }
    }
  });
  const name = `${prefix}_handling_seconds`;
  const help = `How long ${what.toLowerCase()} took, streams from beginning to end.`;
  set.histogram(name, help, function* (): Generator<Sample> {
    for (const [labels, counted] of series()) yield* histogramOf(name, labels, counted);
  });
}
