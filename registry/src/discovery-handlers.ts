import {
  FieldChecks,
  notFound,
  pageSize,
  pageStart,
  pageToken,
  resourceExhausted,
} from '@weft/proto';
import {
  InstanceStatus,
  type ListInstancesRequest,
  type RegistryServiceImplementation,
  type ServiceSummary,
  type WatchRequest,
} from '@weft/proto/registry';
import { checkRevision, readable } from './catch-up.ts';
import type { DrainBook } from './drain/drain-book.ts';
import { checkService, checkText } from './instance-rules.ts';
import { ANSWER_BYTES, instanceBytes, PART_BYTES, summaryBytes } from './message-size.ts';
import type { Catalog } from './store/catalog.ts';
import type { Store } from './store/store.ts';
import type { StoredInstance } from './store/stored-instance.ts';
import { isUuid } from './uuid.ts';
import type { WatchHub } from './watch-hub.ts';

const DEFAULT_PAGE = 100;
const MAX_WATCHED_SERVICES = 1000;
const MAX_VERSIONS = 100;
const MAX_CLIENT_LENGTH = 128;
const MAX_HISTORY_LENGTH = 128;
/** How long a watch that counts in drains waits for this registry to count as well, in ms. */
const ENTER_MS = 1000;

function summary(name: string, instances: readonly StoredInstance[]): ServiceSummary {
  const running = instances.filter(
    ({ status }) => status === InstanceStatus.INSTANCE_STATUS_RUNNING,
  );
  const versions = new Set(instances.map(({ version }) => version).filter((text) => text !== ''));
  return {
    name,
    instanceCount: instances.length,
    runningCount: running.length,
    versions: [...versions].sort().slice(0, MAX_VERSIONS),
  };
}

function matches(instance: StoredInstance, filter: ListInstancesRequest): boolean {
  return (
    (filter.status === 0 || filter.status === instance.status) &&
    (filter.type === 0 || filter.type === instance.type) &&
    (filter.version === '' || filter.version === instance.version) &&
    (filter.zone === '' || filter.zone === instance.zone) &&
    [...filter.metadata].every(([key, value]) => instance.metadata.get(key) === value)
  );
}

/** Instances after `start` (`service/id`, undefined for the first), by service and id. */
function* instancesAfter(catalog: Catalog, filter: ListInstancesRequest, start?: string) {
  const [startService = '', startId = ''] = start?.split('/') ?? [];
  const services = filter.service === '' ? catalog.servicesFrom(startService) : [filter.service];
  for (const service of services) {
    if (service < startService) continue;
    for (const instance of catalog.instances(service)) {
      const isSeen = start !== undefined && service === startService && instance.id <= startId;
      if (!isSeen && matches(instance, filter)) yield instance;
    }
  }
}

function* summariesAfter(catalog: Catalog, start?: string) {
  for (const name of catalog.servicesFrom(start ?? '')) {
    if (name !== start) yield summary(name, catalog.instances(name));
  }
}

interface Paged<T> {
  size: number;
  key: (item: T) => string;
  bytesOf: (item: T) => number;
}

/** The first `size` of a sequence, or as many as fit into a page, and the token for those after. */
function page<T>(items: Iterable<T>, { size, key, bytesOf }: Paged<T>) {
  const found: T[] = [];
  let bytes = 0;
  for (const item of items) {
    bytes += bytesOf(item);
    const last = found.at(-1);
    const isFull = found.length >= size || bytes > PART_BYTES;
    if (last !== undefined && isFull) return { found, nextPageToken: pageToken(key(last)) };
    found.push(item);
  }
  return { found, nextPageToken: '' };
}

/** @throws RESOURCE_EXHAUSTED when the instances of a service do not fit into one message. */
function assertFits(service: string, instances: readonly StoredInstance[]): void {
  const bytes = instances.reduce((sum, instance) => sum + instanceBytes(instance), 0);
  if (bytes <= ANSWER_BYTES) return;
  throw resourceExhausted(
    `the ${instances.length} instances of '${service}' make ${bytes} bytes, more than a message ` +
      `holds (${ANSWER_BYTES}); ListInstances answers them page by page`,
    { reason: 'ANSWER_TOO_LARGE', metadata: { max_bytes: `${ANSWER_BYTES}` } },
  );
}

function checkWatch({ services, fromRevision, client, watchId, history }: WatchRequest): void {
  const checks = new FieldChecks();
  const rule = `must be at most ${MAX_WATCHED_SERVICES}; none follows all`;
  if (checks.check(services.length <= MAX_WATCHED_SERVICES, 'services', rule)) {
    services.forEach((name, index) => {
      checkService(checks, `services[${index}]`, name);
    });
  }
  checkRevision(checks, 'from_revision', fromRevision);
  checkText(checks, 'client', client, MAX_CLIENT_LENGTH);
  checkText(checks, 'history', history, MAX_HISTORY_LENGTH);
  checks.check(watchId === '' || isUuid(watchId), 'watch_id', 'must be a UUID, or empty');
  checks.throwIfAny();
}

type Handlers = Pick<
  RegistryServiceImplementation,
  'getService' | 'listServices' | 'listInstances' | 'watch'
>;

export interface DiscoveryOptions {
  store: Store;
  hub: WatchHub;
  /** By which revision its clients route. */
  book: DrainBook;
  /** Watches end when it aborts. */
  closing: AbortSignal;
  /** After how long a quiet watch gets a progress mark. */
  progressMs: number;
}

/** The rpcs that read: from memory, whether the store is there or not. */
export function discoveryHandlers(options: DiscoveryOptions): Handlers {
  const { store, hub, book, closing, progressMs } = options;
  const { catalog } = store;
  const standing = () => ({ revision: catalog.revision, stale: catalog.isStale });
  return {
    async getService({ service, minRevision }) {
      const checks = new FieldChecks();
      checkService(checks, 'service', service);
      checkRevision(checks, 'min_revision', minRevision);
      checks.throwIfAny();
      await readable(store, minRevision);
      const instances = catalog.instances(service);
      if (instances.length === 0) throw notFound('service', service);
      assertFits(service, instances);
      return { service, instances: [...instances], ...standing() };
    },

    async listServices(request) {
      const checks = new FieldChecks();
      checkRevision(checks, 'min_revision', request.minRevision);
      checks.throwIfAny();
      const size = pageSize(request.pageSize, DEFAULT_PAGE);
      const start = pageStart(request.pageToken);
      await readable(store, request.minRevision);
      const { found: services, nextPageToken } = page(summariesAfter(catalog, start), {
        size,
        key: ({ name }) => name,
        bytesOf: summaryBytes,
      });
      return { services, nextPageToken, ...standing() };
    },

    async listInstances(request) {
      const checks = new FieldChecks();
      if (request.service !== '') checkService(checks, 'service', request.service);
      checkRevision(checks, 'min_revision', request.minRevision);
      checks.throwIfAny();
      const size = pageSize(request.pageSize, DEFAULT_PAGE);
      const start = pageStart(request.pageToken);
      await readable(store, request.minRevision);
      const { found: instances, nextPageToken } = page(instancesAfter(catalog, request, start), {
        size,
        key: ({ service, id }) => `${service}/${id}`,
        bytesOf: instanceBytes,
      });
      return { instances, nextPageToken, ...standing() };
    },

    async *watch(request, context) {
      checkWatch(request);
      const { client, watchId } = request;
      const services = request.services.length === 0 ? undefined : new Set(request.services);
      const ended = AbortSignal.any([context.signal, closing]);
      if (watchId !== '') await store.entered(ENTER_MS, ended);
      const fromRevision = await readable(store, request.fromRevision, request.history);
      using opened = hub.open(context.peer, { services, fromRevision });
      const isOfAnother = request.fromRevision !== undefined && fromRevision === undefined;
      const terms = { client, watchId, services, fromRevision: isOfAnother ? 0n : fromRevision };
      using booked = book.open(terms, catalog.revision, () => opened.watcher.speak());
      for (;;) {
        const message = await opened.watcher.next(progressMs, ended);
        if (message === undefined) return;
        yield booked.sending(message) ? { ...message, acknowledge: true } : message;
      }
    },
  };
}
