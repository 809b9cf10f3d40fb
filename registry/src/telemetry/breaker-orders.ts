import { randomUUID } from 'node:crypto';
import { failedPrecondition, type Log, notFound } from '@weft/proto';
import {
  type BreakerOrder,
  BreakerState,
  EventKind,
  type OrderBreakerRequest,
} from '@weft/proto/telemetry';
import type { Catalog } from '../store/catalog.ts';
import type { EventBook } from './event-book.ts';
import { OrderBook } from './order-book.ts';
import type { TrafficBook } from './traffic-book.ts';

export interface BreakerOrdersOptions {
  catalog: Pick<Catalog, 'get'>;
  traffic: Pick<TrafficBook, 'callersOf'>;
  events: EventBook;
  /** Whether this registry gives orders at all. */
  isAllowed: boolean;
  log: Log;
}

/** Lets people open and close the breakers that clients hold. Who did so is logged, and an event. */
export class BreakerOrders {
  readonly #options: BreakerOrdersOptions;
  readonly #book = new OrderBook(randomUUID);

  constructor(options: BreakerOrdersOptions) {
    this.#options = options;
  }

  /**
   * Takes an order, which must have been checked. Answers for how many of the clients heard from it is.
   * @param by who gives it, for people
   * @throws FAILED_PRECONDITION where orders are not allowed; NOT_FOUND for an instance not listed
   */
  give(request: OrderBreakerRequest, by: string): number {
    const { catalog, traffic, events, isAllowed, log } = this.#options;
    const { service, instanceId, callerInstanceId } = request;
    if (!isAllowed) {
      throw failedPrecondition('this registry gives no orders: start it with --allow-actions', {
        reason: 'ACTIONS_NOT_ALLOWED',
      });
    }
    if (catalog.get(service, instanceId) === undefined) {
      throw notFound('instance', `${service}/${instanceId}`);
    }
    this.#book.add(request);
    const action = request.state === BreakerState.BREAKER_STATE_OPEN ? 'open' : 'close';
    const whose = callerInstanceId === '' ? 'of all clients' : `of ${callerInstanceId}`;
    log.info({ action, service, instance: instanceId, whose, by }, 'breakers ordered');
    events.add([
      {
        time: new Date(),
        kind: EventKind.EVENT_KIND_BREAKER_ORDERED,
        service,
        instanceId,
        caller: undefined,
        detail: `${action} those ${whose}, by ${by}`.slice(0, 200),
      },
    ]);
    const callers = traffic.callersOf(service, instanceId);
    return callers.filter((id) => callerInstanceId === '' || id === callerInstanceId).length;
  }

  /** What a client that reports is to do. */
  ordersFor(callerInstanceId: string): BreakerOrder[] {
    return this.#book.ordersFor(callerInstanceId);
  }
}
