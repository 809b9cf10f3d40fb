import { Health, InstanceStatus, InstanceType } from '@weft/proto/registry';
import { describeProblems } from '../instance-rules.ts';
import { shortNames } from './enum-names.ts';
import type { InstanceDescription, StoredInstance } from './stored-instance.ts';

const TYPE_PREFIX = 'INSTANCE_TYPE_';
const STATUS_PREFIX = 'INSTANCE_STATUS_';
const HEALTH_PREFIX = 'HEALTH_';

const typeNames = shortNames(InstanceType, TYPE_PREFIX);
const statusNames = shortNames(InstanceStatus, STATUS_PREFIX);
const healthNames = shortNames(Health, HEALTH_PREFIX);

/** Whether protobuf can hold a number as the value of an enum: a signed integer of 32 bits. */
function isEnumNumber(value: unknown): value is number {
  return typeof value === 'number' && (value | 0) === value;
}

/**
 * The number of a value of an enum, which is stored as its short name, or as a number if it has
 * none.
 */
function enumValue(values: Record<string, number>, prefix: string, stored: unknown): number {
  if (isEnumNumber(stored)) return stored;
  const value = typeof stored === 'string' ? values[`${prefix}${stored}`] : undefined;
  if (value !== undefined) return value;
  const kind = prefix.toLowerCase().slice(0, -1);
  throw new Error(`${JSON.stringify(stored)} is not a value of ${kind}`);
}

/** What is kept of an instance besides its lease and revisions, which etcd keeps. */
type Kept = Omit<StoredInstance, 'leaseId' | 'createRevision' | 'modRevision'>;

/**
 * One line of JSON that a person can read, the same for the same instance. An enum's value that
 * this version does not know stays a number.
 */
export function encodeInstance(instance: Kept): string {
  const metadata = [...instance.metadata].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({
    id: instance.id,
    service: instance.service,
    address: { host: instance.address.host, port: instance.address.port },
    type: typeNames.get(instance.type) ?? instance.type,
    status: statusNames.get(instance.status) ?? instance.status,
    version: instance.version,
    zone: instance.zone,
    weight: instance.weight,
    metadata: Object.fromEntries(metadata),
    dependencies: instance.dependencies,
    startTime: instance.startTime.toISOString(),
    incarnation: instance.incarnation,
    ttlSeconds: instance.ttlSeconds,
    healthCheck: instance.healthCheck && { service: instance.healthCheck.service },
    health:
      instance.health === Health.HEALTH_UNSPECIFIED
        ? undefined
        : (healthNames.get(instance.health) ?? instance.health),
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a value that `encodeInstance` wrote. Anyone can write to etcd, so each field is checked by
 * the rules for registrations: a value that passes can also be encoded as a protobuf message.
 * @throws Error that lists what is wrong.
 */
export function decodeInstance(text: string): Kept {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) throw new Error('it is not a JSON object');
  const { address, metadata = {}, dependencies = [], healthCheck, health = 'UNSPECIFIED' } = value;
  if (!isRecord(address)) throw new Error('address is not an object');
  if (!isRecord(metadata)) throw new Error('metadata is not an object');
  if (!Array.isArray(dependencies)) throw new Error('dependencies is not a list');
  if (healthCheck !== undefined && !isRecord(healthCheck)) {
    throw new Error('healthCheck is not an object');
  }
  const string = (of: Record<string, unknown>, name: string) => {
    const found = of[name];
    if (typeof found !== 'string') throw new Error(`${name} is not a string`);
    return found;
  };
  const number = (of: Record<string, unknown>, name: string) => {
    const found = of[name];
    if (typeof found !== 'number') throw new Error(`${name} is not a number`);
    return found;
  };
  const description = {
    id: string(value, 'id'),
    service: string(value, 'service'),
    address: { host: string(address, 'host'), port: number(address, 'port') },
    type: enumValue(InstanceType, TYPE_PREFIX, value.type) as InstanceType,
    status: enumValue(InstanceStatus, STATUS_PREFIX, value.status) as InstanceStatus,
    version: string(value, 'version'),
    zone: string(value, 'zone'),
    weight: number(value, 'weight'),
    metadata: new Map(Object.keys(metadata).map((key) => [key, string(metadata, key)])),
    dependencies: dependencies.map((_, index) => string(dependencies as never, `${index}`)),
    startTime: new Date(string(value, 'startTime')),
    incarnation: string(value, 'incarnation'),
    healthCheck: healthCheck && { service: string(healthCheck, 'service') },
  } satisfies InstanceDescription;
  const ttlSeconds = number(value, 'ttlSeconds');
  const problems = describeProblems(description, ttlSeconds);
  if (problems !== '') throw new Error(problems);
  return {
    ...description,
    ttlSeconds,
    health: enumValue(Health, HEALTH_PREFIX, health) as Health,
  };
}
