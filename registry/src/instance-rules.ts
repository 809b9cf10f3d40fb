import {
  FieldChecks,
  hostProblem,
  INSTANCE_ID,
  isStatusError,
  type LabelRule,
  SERVICE_NAME,
} from '@weft/proto';
import { InstanceStatus } from '@weft/proto/registry';
import type { InstanceDescription } from './store/stored-instance.ts';

export const TTL_SECONDS = { min: 2, max: 3600, default: 10 } as const;

const MAX_WEIGHT = 1_000_000;
const MAX_LABELS = 64;
const MAX_KEY_LENGTH = 128;
const MAX_VALUE_LENGTH = 4096;
/** Of all labels, keys and values. Every client of a service holds the labels of all its instances. */
export const MAX_METADATA_BYTES = 64 * 1024;
/** Of a record as stored: the rest is small, but JSON escapes. etcd refuses requests over 1.5 MiB. */
const MAX_RECORD_BYTES = 128 * 1024;

/** What a google.protobuf.Timestamp may be: years 1 to 9999. */
const FIRST_TIME = Date.parse('0001-01-01T00:00:00Z');
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Whether a text has no control character and no half of a surrogate pair, which is not UTF-8. */
function isPrintable(text: string): boolean {
  return !CONTROL.test(text) && text.isWellFormed();
}

function checkLabel(checks: FieldChecks, field: string, text: string, rule: LabelRule): void {
  checks.check(rule.pattern.test(text), field, `must be ${rule.mustBe}`);
}

export function checkService(checks: FieldChecks, field: string, name: string): void {
  checkLabel(checks, field, name, SERVICE_NAME);
}

export function checkId(checks: FieldChecks, field: string, id: string): void {
  checkLabel(checks, field, id, INSTANCE_ID);
}

export function checkTtl(checks: FieldChecks, field: string, seconds: number): void {
  const { min, max } = TTL_SECONDS;
  const isTtl = Number.isInteger(seconds) && seconds >= min && seconds <= max;
  checks.check(isTtl, field, `must be a whole number of seconds, ${min} to ${max}`);
}

export function checkWeight(checks: FieldChecks, field: string, weight: number): void {
  // NaN fails both comparisons.
  checks.check(weight >= 0 && weight <= MAX_WEIGHT, field, `must be 0 to ${MAX_WEIGHT}`);
}

export function checkMetadata(
  checks: FieldChecks,
  field: string,
  metadata: ReadonlyMap<string, string>,
): void {
  if (!checks.check(metadata.size <= MAX_LABELS, field, `must be at most ${MAX_LABELS} labels`)) {
    return;
  }
  let bytes = 0;
  for (const [key, value] of metadata) {
    const isKey = key.length > 0 && key.length <= MAX_KEY_LENGTH && isPrintable(key);
    const rule = `keys must be 1 to ${MAX_KEY_LENGTH} printable characters`;
    if (!checks.check(isKey, field, rule)) continue;
    const path = `${field}[${JSON.stringify(key)}]`;
    const isValue = value.length <= MAX_VALUE_LENGTH && value.isWellFormed();
    const valueRule = `must be at most ${MAX_VALUE_LENGTH} characters of Unicode`;
    if (!checks.check(isValue, path, valueRule)) continue;
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  checks.check(bytes <= MAX_METADATA_BYTES, field, `must be at most ${MAX_METADATA_BYTES} bytes`);
}

export function checkText(checks: FieldChecks, field: string, text: string, max: number): void {
  const isText = text.length <= max && isPrintable(text);
  checks.check(isText, field, `must be at most ${max} printable characters`);
}

/** Checks a time that may be absent. A `Date` out of the range of a Timestamp cannot be encoded. */
export function checkTime(checks: FieldChecks, field: string, time: Date | undefined): void {
  // NaN fails both comparisons.
  const isTime = time === undefined || (+time >= FIRST_TIME && +time <= LAST_TIME);
  checks.check(isTime, field, 'must be a time from year 1 to year 9999');
}

/** A status this registry knows: no client would call an instance in any other. */
export function checkStatus(checks: FieldChecks, field: string, status: InstanceStatus): void {
  const isKnown = status > 0 && Object.values(InstanceStatus).includes(status);
  checks.check(isKnown, field, 'must be a status that this registry knows');
}

/** Checks what a record comes to as stored; etcd would refuse far more. */
export function checkRecordSize(checks: FieldChecks, field: string, bytes: number): void {
  const rule = `makes a record of ${bytes} bytes; at most ${MAX_RECORD_BYTES} can be stored`;
  checks.check(bytes <= MAX_RECORD_BYTES, field, rule);
}

/** Checks all that an owner says of an instance; fields are named as in a RegisterRequest. */
export function checkInstance(checks: FieldChecks, instance: InstanceDescription): void {
  checkService(checks, 'instance.service', instance.service);
  checkId(checks, 'instance.id', instance.id);
  const { host, port } = instance.address;
  const problem = hostProblem(host);
  checks.check(problem === undefined, 'instance.address.host', problem ?? '');
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
  checks.check(isPort, 'instance.address.port', 'must be 1 to 65535');
  checkText(checks, 'instance.version', instance.version, 64);
  checkText(checks, 'instance.zone', instance.zone, 63);
  checkText(checks, 'instance.incarnation', instance.incarnation, 64);
  checkWeight(checks, 'instance.weight', instance.weight);
  checkMetadata(checks, 'instance.metadata', instance.metadata);
  checkText(checks, 'instance.health_check.service', instance.healthCheck?.service ?? '', 253);
  const { dependencies, startTime } = instance;
  if (checks.check(dependencies.length <= 64, 'instance.dependencies', 'must be at most 64')) {
    dependencies.forEach((name, index) => {
      checkService(checks, `instance.dependencies[${index}]`, name);
    });
  }
  checkTime(checks, 'instance.start_time', startTime);
}

/** What is wrong with an instance, and with its TTL if it has one, as one text; empty if nothing is. */
export function describeProblems(instance: InstanceDescription, ttlSeconds?: number): string {
  const checks = new FieldChecks();
  checkInstance(checks, instance);
  if (ttlSeconds !== undefined) checkTtl(checks, 'ttl_seconds', ttlSeconds);
  try {
    checks.throwIfAny();
    return '';
  } catch (error) {
    if (isStatusError(error)) return error.details;
    throw error;
  }
}
