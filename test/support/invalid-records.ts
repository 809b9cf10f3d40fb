/** A record as the registry stores it in etcd, before `JSON.stringify`. */
export type StoredRecord = Record<string, unknown>;

/**
 * Records that are valid but for one field, by what is wrong with them. A registry must skip each
 * one: some of them cannot be encoded as a protobuf message, the others break a rule for
 * registrations.
 */
export const INVALID_FIELDS: Readonly<Record<string, StoredRecord>> = {
  'a fractional TTL': { ttlSeconds: 1.5 },
  'a negative TTL': { ttlSeconds: -5 },
  'a TTL of 0': { ttlSeconds: 0 },
  'a TTL over 32 bits': { ttlSeconds: 2 ** 40 },
  'a TTL that is text': { ttlSeconds: '10' },
  'a type over 32 bits': { type: 2 ** 40 },
  'a negative status': { status: -(2 ** 31) - 1 },
  'a status in a list': { status: ['RUNNING'] },
  'a health over 32 bits': { health: 2 ** 31 },
  'a fractional port': { address: { host: '127.0.0.1', port: 80.5 } },
  'an endless weight': { weight: Number.MAX_VALUE },
  'a version that is half a surrogate pair': { version: '\ud800' },
  'metadata that is a list': { metadata: ['x'] },
  'a label that is half a surrogate pair': { metadata: { team: 'x\udc00' } },
  'a label name that is half a surrogate pair': { metadata: { '\ud800': 'x' } },
  'no start time': { startTime: 'never' },
  'a start time in year 20000': { startTime: '+020000-01-01T00:00:00.000Z' },
};

/** A valid record, changed by one of `INVALID_FIELDS`, as a value for etcd. */
export function invalidRecord(valid: string, fields: StoredRecord): string {
  return JSON.stringify({ ...(JSON.parse(valid) as StoredRecord), ...fields });
}
