import type { HttpRoutes, Log } from '@weft/proto';
import type { ArchitectureBook } from '../architecture/architecture-book.ts';
import type { Writes } from '../limits/guarded-writes.ts';
import type { Catalog } from '../store/catalog.ts';
import type { BreakerOrders } from '../telemetry/breaker-orders.ts';
import type { EventBook } from '../telemetry/event-book.ts';
import type { TrafficBook } from '../telemetry/traffic-book.ts';
import { eventStream } from './event-stream.ts';
import { LeaseRenewals } from './lease-renewals.ts';
import { LiveFeed } from './live-feed.ts';
import { pageActions } from './page-actions.ts';
import { pageAssets } from './page-assets.ts';

export interface WebPageOptions {
  catalog: Catalog;
  writes: Writes;
  traffic: TrafficBook;
  events: EventBook;
  architecture: ArchitectureBook;
  orders: BreakerOrders;
  /** Whether it may drain and deregister instances, and order breakers. */
  allowActions: boolean;
  /** Where the registry listens for gRPC; asked once it does. */
  registry: () => string;
  log: Log;
}

/** The web page of a registry. */
export interface WebPage {
  readonly routes: HttpRoutes;
  /** The same writes, through which the page learns which leases are renewed. */
  readonly writes: Writes;
}

export function webPage(options: WebPageOptions): WebPage {
  const { catalog, writes, orders, allowActions: hasActions, log } = options;
  const renewals = new LeaseRenewals(catalog);
  const feed = new LiveFeed({ ...options, renewals, hasActions });
  return {
    routes: {
      ...pageAssets(),
      '/api/stream': eventStream(feed),
      ...(hasActions && { '/api/actions': { post: pageActions({ writes, orders, log }) } }),
    },
    writes: renewals.noting(writes),
  };
}
