import type { TrafficEdge } from '@weft/proto/telemetry';

/** Traffic of the last seconds to one service or instance, from all callers. */
export interface Traffic {
  readonly callsPerSecond: number;
  /** Of these, those that failed. */
  readonly errorsPerSecond: number;
  /** 99 of 100 took no longer, in ms; of several instances, at the slowest. Undefined: no call was seen. */
  readonly p99Ms: number | undefined;
}

export const noTraffic: Traffic = { callsPerSecond: 0, errorsPerSecond: 0, p99Ms: undefined };

/** Both together. 99 of 100 calls of both take no longer than the slower of them says. */
export function plus(a: Traffic, b: Traffic): Traffic {
  const p99s = [a.p99Ms, b.p99Ms].filter((ms) => ms !== undefined);
  return {
    callsPerSecond: a.callsPerSecond + b.callsPerSecond,
    errorsPerSecond: a.errorsPerSecond + b.errorsPerSecond,
    p99Ms: p99s.length > 0 ? Math.max(...p99s) : undefined,
  };
}

export function trafficOf({ rate, errorRate, p99Ms }: TrafficEdge): Traffic {
  if (rate <= 0) return noTraffic;
  return { callsPerSecond: rate, errorsPerSecond: errorRate, p99Ms };
}

/** The traffic of edges by what `keyOf` says they belong to. */
export function trafficBy(
  edges: readonly TrafficEdge[],
  keyOf: (edge: TrafficEdge) => string,
): Map<string, Traffic> {
  const sums = new Map<string, Traffic>();
  for (const edge of edges) {
    const key = keyOf(edge);
    sums.set(key, plus(sums.get(key) ?? noTraffic, trafficOf(edge)));
  }
  return sums;
}

/** Traffic as our JSON has it. */
export function trafficJson({ callsPerSecond, errorsPerSecond, p99Ms }: Traffic): object {
  return { callsPerSecond, errorsPerSecond, ...(p99Ms === undefined ? {} : { p99Ms }) };
}
