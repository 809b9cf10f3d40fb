import { randomUUID } from 'node:crypto';
import { FieldChecks, invalidArgument, untilAborted } from '@weft/proto';
import {
  Health,
  InstanceStatus,
  InstanceType,
  type KeepAliveRequest,
  type RegisterRequest,
  type RegistryServiceImplementation,
  type UpdateInstanceRequest,
} from '@weft/proto/registry';
import { isLoopback, isOwnAddress, peerHost } from './address-rules.ts';
import { toStatusError } from './errors.ts';
import type { Callback } from './health/callback.ts';
import {
  checkId,
  checkInstance,
  checkMetadata,
  checkService,
  checkStatus,
  checkTtl,
  checkWeight,
  MAX_RECORD_BYTES,
  TTL_SECONDS,
} from './instance-rules.ts';
import { encodeInstance } from './store/instance-json.ts';
import type { Store, Written } from './store/store.ts';
import type { InstanceDescription } from './store/stored-instance.ts';

const MAX_LEASES_PER_MESSAGE = 1000;

/** The answer of the store, its failures as gRPC statuses. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toStatusError(error);
  }
}

/** What a Register asks for, with the defaults filled in and everything checked. */
function describe({ instance, ttlSeconds }: RegisterRequest, peer: string) {
  const ttl = ttlSeconds ?? TTL_SECONDS.default;
  const checks = new FieldChecks();
  checkTtl(checks, 'ttl_seconds', ttl);
  checks.check(instance !== undefined, 'instance', 'must be set');
  const address = instance?.address;
  checks.check(!instance || address !== undefined, 'instance.address', 'must be set');
  if (instance === undefined || address === undefined) {
    checks.throwIfAny();
    throw invalidArgument({ field: 'instance', description: 'must be set' });
  }
  const description: InstanceDescription = {
    id: instance.id || randomUUID(),
    service: instance.service,
    address: { host: address.host, port: address.port },
    type: instance.type || InstanceType.INSTANCE_TYPE_API,
    version: instance.version,
    zone: instance.zone,
    weight: instance.weight ?? 1,
    metadata: instance.metadata,
    dependencies: instance.dependencies,
    startTime: instance.startTime,
    status: instance.status || InstanceStatus.INSTANCE_STATUS_RUNNING,
    incarnation: instance.incarnation || randomUUID(),
    healthCheck: instance.healthCheck,
  };
  checkInstance(checks, description);
  checkStatus(checks, 'instance.status', description.status);
  checks.check(
    !isLoopback(address.host) || isOwnAddress(peerHost(peer)),
    'instance.address.host',
    `is a loopback address, which no one but the caller (at ${peerHost(peer)}) can reach`,
  );
  checks.throwIfAny();
  const record = {
    ...description,
    startTime: description.startTime ?? new Date(),
    ttlSeconds: ttl,
    health: Health.HEALTH_UNSPECIFIED,
  };
  const bytes = Buffer.byteLength(encodeInstance(record));
  checkRecordSize(checks, 'instance.metadata', bytes);
  checks.throwIfAny();
  return { description, ttl };
}

function checkRecordSize(checks: FieldChecks, field: string, bytes: number): void {
  const rule = `makes a record of ${bytes} bytes; at most ${MAX_RECORD_BYTES} can be stored`;
  checks.check(bytes <= MAX_RECORD_BYTES, field, rule);
}

function checkReference(checks: FieldChecks, { service, id }: { service: string; id: string }) {
  checkService(checks, 'service', service);
  checkId(checks, 'id', id);
}

function checkUpdate(request: UpdateInstanceRequest): void {
  const { status, weight, metadata } = request;
  const checks = new FieldChecks();
  checkReference(checks, request);
  if (status !== undefined) checkStatus(checks, 'status', status);
  if (weight !== undefined) checkWeight(checks, 'weight', weight);
  if (metadata !== undefined) {
    checkMetadata(checks, 'metadata.metadata', metadata.metadata);
    const bytes = Buffer.byteLength(JSON.stringify([...metadata.metadata]));
    checkRecordSize(checks, 'metadata.metadata', bytes);
  }
  checks.throwIfAny();
}

function checkKeepAlive({ leaseIds }: KeepAliveRequest): void {
  const checks = new FieldChecks();
  const isCount = leaseIds.length >= 1 && leaseIds.length <= MAX_LEASES_PER_MESSAGE;
  checks.check(isCount, 'lease_ids', `must be 1 to ${MAX_LEASES_PER_MESSAGE} lease ids`);
  checks.throwIfAny();
}

type Handlers = Pick<
  RegistryServiceImplementation,
  'register' | 'keepAlive' | 'updateInstance' | 'deregister'
>;

/**
 * The rpcs that write. Streams end when `closing` aborts. Without `callback` instances are listed
 * whether they answer or not.
 */
export function registrationHandlers(
  store: Store,
  closing: AbortSignal,
  callback?: Callback,
): Handlers {
  return {
    async register(request, context) {
      const { description, ttl } = describe(request, context.peer);
      if (!request.skipCallback) await callback?.check(description);
      const { instance, revision }: Written = await answered(store.register(description, ttl));
      const { leaseId, ttlSeconds } = instance;
      return { instance, leaseId, ttlSeconds, revision };
    },

    async *keepAlive(requests) {
      for await (const request of untilAborted(requests, closing)) {
        checkKeepAlive(request);
        const { leaseIds } = request;
        const seconds = await answered(store.keepAlive(leaseIds));
        yield {
          leases: leaseIds.map((leaseId, index) => ({
            leaseId,
            ttlSeconds: seconds[index] ?? 0,
          })),
        };
      }
    },

    async updateInstance(request) {
      checkUpdate(request);
      const { status, weight, metadata } = request;
      return answered(store.update(request, { status, weight, metadata: metadata?.metadata }));
    },

    async deregister(request) {
      const checks = new FieldChecks();
      checkReference(checks, request);
      checks.throwIfAny();
      return answered(store.deregister(request));
    },
  };
}
