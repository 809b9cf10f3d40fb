import { answersInOrder, FieldChecks, untilAborted } from '@weft/proto';
import type {
  KeepAliveRequest,
  KeepAliveResponse,
  RegisterRequest,
  RegisterResponse,
  RegistryServiceImplementation,
  UpdateInstanceRequest,
} from '@weft/proto/registry';
import { toStatusError } from './errors.ts';
import type { Callback } from './health/callback.ts';
import {
  checkId,
  checkMetadata,
  checkRecordSize,
  checkService,
  checkStatus,
  checkWeight,
} from './instance-rules.ts';
import type { Writes } from './limits/guarded-writes.ts';
import { registerEach } from './register-many.ts';
import { describeRegistration } from './registration-request.ts';

const MAX_LEASES_PER_MESSAGE = 1000;
/** Messages of one stream whose leases are being renewed. */
const MESSAGES_AT_ONCE = 256;

/** The answer of the store, its failures as gRPC statuses. */
async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toStatusError(error);
  }
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
    checks.throwIfAny();
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
  'register' | 'registerMany' | 'keepAlive' | 'updateInstance' | 'deregister'
>;

/**
 * The rpcs that write. Streams end when `closing` aborts. Without `callback` instances are listed
 * whether they answer or not.
 */
export function registrationHandlers(
  store: Writes,
  closing: AbortSignal,
  callback?: Callback,
): Handlers {
  /** Lists one, for every rpc that does: whatever has to hold of an instance first is seen to here. */
  async function register(request: RegisterRequest, peer: string): Promise<RegisterResponse> {
    const { description, ttlSeconds } = describeRegistration(request, peer);
    if (!request.skipCallback) await callback?.check(description);
    const { instance, revision } = await answered(store.register(description, ttlSeconds));
    return { instance, leaseId: instance.leaseId, ttlSeconds: instance.ttlSeconds, revision };
  }

  async function renew(request: KeepAliveRequest): Promise<KeepAliveResponse> {
    checkKeepAlive(request);
    const { leaseIds } = request;
    const seconds = await answered(store.keepAlive(leaseIds));
    return {
      leases: leaseIds.map((leaseId, index) => ({ leaseId, ttlSeconds: seconds[index] ?? 0 })),
    };
  }

  return {
    register: (request, context) => register(request, context.peer),

    async registerMany(request, context) {
      const results = await registerEach(request, (each) => register(each, context.peer));
      return { results };
    },

    keepAlive(requests) {
      return answersInOrder(untilAborted(requests, closing), renew, MESSAGES_AT_ONCE);
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
