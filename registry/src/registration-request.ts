import { randomUUID } from 'node:crypto';
import { FieldChecks, invalidArgument } from '@weft/proto';
import { Health, InstanceStatus, InstanceType, type RegisterRequest } from '@weft/proto/registry';
import { isLoopback, isOwnAddress, peerHost } from './address-rules.ts';
import {
  checkInstance,
  checkRecordSize,
  checkStatus,
  checkTtl,
  TTL_SECONDS,
} from './instance-rules.ts';
import { encodeInstance } from './store/instance-json.ts';
import type { InstanceDescription } from './store/stored-instance.ts';

/**
 * Labels of so many characters make no record too large, though JSON may take six bytes for one. All
 * else of a record is short.
 */
const SMALL_LABELS = 16 * 1024;

/** A registration that nothing is wrong with. */
export interface RegistrationRequest {
  description: InstanceDescription;
  ttlSeconds: number;
}

/**
 * What a caller at `peer` asks to be listed, with the defaults filled in and everything checked.
 * @throws INVALID_ARGUMENT naming every bad field
 */
export function describeRegistration(
  { instance, ttlSeconds }: RegisterRequest,
  peer: string,
): RegistrationRequest {
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
  if (isLoopback(address.host)) {
    const host = peerHost(peer);
    const rule = `is a loopback address, which no one but the caller (at ${host}) can reach`;
    checks.check(isOwnAddress(host), 'instance.address.host', rule);
  }
  checks.throwIfAny();
  if (lengthOf(description.metadata) > SMALL_LABELS) {
    const record = {
      ...description,
      startTime: description.startTime ?? new Date(),
      ttlSeconds: ttl,
      health: Health.HEALTH_UNSPECIFIED,
    };
    const bytes = Buffer.byteLength(encodeInstance(record));
    checkRecordSize(checks, 'instance.metadata', bytes);
    checks.throwIfAny();
  }
  return { description, ttlSeconds: ttl };
}

function lengthOf(metadata: ReadonlyMap<string, string>): number {
  let length = 0;
  for (const [key, value] of metadata) length += key.length + value.length;
  return length;
}
