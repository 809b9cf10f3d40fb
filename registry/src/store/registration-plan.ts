import { Health } from '@weft/proto/registry';
import { StoreError } from '../errors.ts';
import { encodeInstance } from './instance-json.ts';
import type { InstanceDescription, StoredInstance } from './stored-instance.ts';

/**
 * What registering means, given who is there:
 * `create` and `replace` take a new lease (`replace` gives up the old one); `renew` keeps it, and
 * writes only when the description differs.
 */
export type RegistrationPlan =
  | { kind: 'create'; description: InstanceDescription & { startTime: Date } }
  | {
      kind: 'replace';
      description: InstanceDescription & { startTime: Date };
      oldLeaseId: bigint;
    }
  | { kind: 'renew'; instance: StoredInstance; isChanged: boolean };

/** Whether what a health check found of one is true of the other. */
function isSameCheck(a: InstanceDescription, b: InstanceDescription): boolean {
  const { host, port } = a.address;
  const isThere = host === b.address.host && port === b.address.port;
  return isThere && a.healthCheck?.service === b.healthCheck?.service;
}

/** @throws StoreError `conflict` when another incarnation lives at another address. */
export function planRegistration(
  existing: StoredInstance | undefined,
  wanted: InstanceDescription,
  now: Date,
): RegistrationPlan {
  if (existing?.incarnation === wanted.incarnation) {
    const startTime = wanted.startTime ?? existing.startTime;
    const instance = { ...existing, ...wanted, startTime };
    if (!isSameCheck(existing, wanted)) instance.health = Health.HEALTH_UNSPECIFIED;
    const isChanged = encodeInstance(instance) !== encodeInstance(existing);
    return { kind: 'renew', instance: isChanged ? instance : existing, isChanged };
  }
  const description = { ...wanted, startTime: wanted.startTime ?? now };
  if (existing === undefined) return { kind: 'create', description };
  const { host, port } = existing.address;
  if (host === wanted.address.host && port === wanted.address.port) {
    return { kind: 'replace', description, oldLeaseId: existing.leaseId };
  }
  throw new StoreError(
    'conflict',
    `instance '${wanted.id}' of '${wanted.service}' is live at ${host}:${port}; register under another id, or wait until its lease ends`,
    { metadata: { service: wanted.service, id: wanted.id } },
  );
}
