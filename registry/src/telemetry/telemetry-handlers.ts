import { pause } from '@weft/proto';
import type {
  Caller,
  Event,
  ReportRequest,
  TelemetryServiceImplementation,
  WatchTrafficRequest,
  WatchTrafficResponse,
} from '@weft/proto/telemetry';
import type { BreakerOrders } from './breaker-orders.ts';
import type { EventBook } from './event-book.ts';
import { checkOrder, checkReport, checkWatchEvents, checkWatchTraffic } from './telemetry-rules.ts';
import type { EdgeEnds, TrafficBook } from './traffic-book.ts';

const DEFAULT_INTERVAL_MS = 1000;
/** Events of one message. */
const BATCH = 500;

const anyone: Caller | undefined = undefined;

/** Callers of one service are one; a program that offers none stands for itself. */
function callerService(caller: Caller | undefined): Caller | undefined {
  if (caller === undefined || caller.service === '') return caller;
  return { service: caller.service, instanceId: '' };
}

const byService = ({ caller, service }: EdgeEnds): EdgeEnds => {
  return { caller: callerService(caller), service, instanceId: '', method: '' };
};
const byInstance = ({ service, instanceId }: EdgeEnds): EdgeEnds => {
  return { caller: anyone, service, instanceId, method: '' };
};
const byAll = (edge: EdgeEnds): EdgeEnds => edge;

function concerns(name: string) {
  return ({ caller, service }: { caller: Caller | undefined; service: string }) =>
    name === '' || service === name || caller?.service === name;
}

/** The traffic of the last seconds as one message. */
export function trafficNow(
  book: TrafficBook,
  { service, detailed }: Pick<WatchTrafficRequest, 'service' | 'detailed'>,
): WatchTrafficResponse {
  const isMeant = concerns(service);
  return {
    time: new Date(),
    services: book.edges(byService).filter(isMeant),
    instances: book.edges(byInstance).filter(isMeant),
    details: detailed ? book.edges(byAll).filter(isMeant) : [],
    breakers: book
      .breakers()
      .filter(({ caller, breaker }) => isMeant({ caller, service: breaker?.service ?? '' })),
  };
}

export interface TelemetryOptions {
  traffic: TrafficBook;
  events: EventBook;
  orders: BreakerOrders;
  /** Streams end when it aborts. */
  closing: AbortSignal;
}

/** The rpcs of telemetry: what clients report, and who looks on. */
export function telemetryHandlers({
  traffic,
  events,
  orders,
  closing,
}: TelemetryOptions): TelemetryServiceImplementation {
  return {
    async report(request: ReportRequest) {
      checkReport(request);
      traffic.add(request);
      const { caller } = request;
      events.add(request.events.map((event) => ({ ...event, caller })));
      return { nextInMs: 0, orders: orders.ordersFor(caller?.instanceId ?? '') };
    },

    async orderBreaker(request, { peer }) {
      checkOrder(request);
      return { clients: orders.give(request, peer) };
    },

    async *watchTraffic(request, context) {
      checkWatchTraffic(request);
      const ended = AbortSignal.any([context.signal, closing]);
      const everyMs = request.intervalMs || DEFAULT_INTERVAL_MS;
      while (!ended.aborted) {
        yield trafficNow(traffic, request);
        await pause(everyMs, ended);
      }
    },

    async *watchEvents(request, context) {
      checkWatchEvents(request);
      const ended = AbortSignal.any([context.signal, closing]);
      const isMeant = ({ service }: Event) => request.service === '' || service === request.service;
      let told = request.afterSequence;
      const past = events.after(told).filter(isMeant);
      const isResumed = request.afterSequence > 0n;
      const first = isResumed ? past : past.slice(Math.max(0, past.length - request.last));
      told = events.latest;
      if (first.length > 0) yield { events: first };
      if (request.noFollow) return;
      while (!ended.aborted) {
        const news = events.after(told);
        if (news.length === 0) {
          await arrival(events, ended);
          continue;
        }
        told = news.at(-1)?.sequence ?? told;
        const meant = news.filter(isMeant);
        for (let start = 0; start < meant.length; start += BATCH) {
          yield { events: meant.slice(start, start + BATCH) };
        }
      }
    },
  };
}

/** Resolves at the next event, or when `ended` aborts. */
async function arrival(events: EventBook, ended: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = events.subscribe(resolve);
  const end = () => resolve();
  ended.addEventListener('abort', end, { once: true });
  await promise;
  ended.removeEventListener('abort', end);
  unsubscribe();
}
