import { hostname } from 'node:os';
import { clientTransport, type Log, messageOf, pause } from '@weft/proto';
import {
  EventKind,
  type TelemetryServiceClient,
  TelemetryServiceDefinition,
  type TrafficEdge,
} from '@weft/proto/telemetry';
import { type Channel, createChannel, createClient } from 'nice-grpc';

const EVERY_MS = 1000;
/** Traffic that was told longer ago than this says nothing of now. */
const FRESH_MS = 5000;
/** Over how long a registry counts what clients tell. */
const WINDOW_MS = 10_000;
const RETRY_MS = 1000;
const REPORT_TIMEOUT_MS = 2000;
const MAX_DETAIL = 200;

/** Follows the traffic that the registry knows of, and tells it what the orchestrator does. */
export class TelemetryLink {
  readonly #channel: Channel;
  readonly #client: TelemetryServiceClient;
  readonly #log: Log;
  readonly #windowMs: number;
  readonly #closer = new AbortController();
  readonly #following: Promise<void>;
  #edges: readonly TrafficEdge[] = [];
  #toldAt = Number.NEGATIVE_INFINITY;
  #lostAt = Number.NEGATIVE_INFINITY;

  /** @param windowMs for how long after it was lost the registry, which may know nothing now, is not believed */
  constructor(address: string, log: Log, windowMs = WINDOW_MS) {
    this.#channel = createChannel(address, undefined, clientTransport);
    this.#client = createClient(TelemetryServiceDefinition, this.#channel);
    this.#log = log;
    this.#windowMs = windowMs;
    this.#following = this.#follow();
  }

  /** Calls under way at all instances of a service, on average; undefined while that is not known. */
  inFlight(service: string, now: number): number | undefined {
    if (now - this.#toldAt > FRESH_MS || now - this.#lostAt < this.#windowMs) return undefined;
    return this.#edges
      .filter((edge) => edge.service === service)
      .reduce((sum, edge) => sum + edge.inFlight, 0);
  }

  /** Tells that a service was scaled; lossy, as all telemetry is. */
  async scaled(service: string, detail: string): Promise<void> {
    const signal = AbortSignal.any([this.#closer.signal, AbortSignal.timeout(REPORT_TIMEOUT_MS)]);
    const event = {
      time: new Date(),
      kind: EventKind.EVENT_KIND_SCALED,
      service,
      detail: detail.slice(0, MAX_DETAIL),
    };
    const caller = { instanceId: `weft up@${hostname()}:${process.pid}`.slice(0, 128) };
    try {
      await this.#client.report({ caller, intervalMs: EVERY_MS, events: [event] }, { signal });
    } catch (error) {
      this.#log.debug({ service, reason: messageOf(error) }, 'the registry was not told');
    }
  }

  async close(): Promise<void> {
    this.#closer.abort();
    await this.#following;
    this.#channel.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closer;
    while (!signal.aborted) {
      try {
        const request = { intervalMs: EVERY_MS };
        for await (const { instances } of this.#client.watchTraffic(request, { signal })) {
          this.#edges = instances;
          this.#toldAt = performance.now();
        }
      } catch (error) {
        if (!signal.aborted) this.#log.debug({ reason: messageOf(error) }, 'no traffic is told');
      }
      this.#lostAt = performance.now();
      await pause(RETRY_MS, signal);
    }
  }
}
