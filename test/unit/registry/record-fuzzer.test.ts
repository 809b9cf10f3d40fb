import { setImmediate as turn } from 'node:timers/promises';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { EventType, Instance } from '@weft/proto/registry';
import fc from 'fast-check';
import { Timestamp } from '../../../proto/gen/google/protobuf/timestamp.ts';
import { encodedInstance } from '../../../registry/src/encoded-instance.ts';
import { wireInstance } from '../../../registry/src/http/wire-format.ts';
import { PART_BYTES } from '../../../registry/src/message-size.ts';
import { SharedEncodingDefinition } from '../../../registry/src/shared-encoding.ts';
import { Catalog } from '../../../registry/src/store/catalog.ts';
import { instanceKey } from '../../../registry/src/store/etcd-keys.ts';
import type { KeyValue } from '../../../registry/src/store/etcd-keyspace.ts';
import { decodeRecord, RecordReader } from '../../../registry/src/store/etcd-record.ts';
import { FeedStats } from '../../../registry/src/store/feed-stats.ts';
import { decodeInstance, encodeInstance } from '../../../registry/src/store/instance-json.ts';
import type { StoredInstance } from '../../../registry/src/store/stored-instance.ts';
import { EventBook } from '../../../registry/src/telemetry/event-book.ts';
import { followCatalog } from '../../../registry/src/telemetry/follow-catalog.ts';
import { WatchHub } from '../../../registry/src/watch-hub.ts';

/** How long it runs, in seconds. By hand: RECORD_FUZZ_SECONDS=600. */
const SECONDS = Number(process.env.RECORD_FUZZ_SECONDS ?? 20);

/** UTF-16 code units, halves of surrogate pairs and control characters included. */
const anyText = fc
  .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd7f0, max: 0xe010 }), fc.nat(0x7f)), {
    maxLength: 20,
  })
  .map((units) => String.fromCharCode(...units));

const edgeNumbers = [-1, 0, 1, 1.5, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32];
const anyNumber = fc.oneof(
  fc.constantFrom(...edgeNumbers, 2 ** 40, 2 ** 53, Number.MIN_VALUE, Number.MAX_VALUE),
  fc.integer(),
  fc.double(),
);
const anyValue = fc.oneof(
  anyNumber,
  anyText,
  fc.constantFrom(null, true, [], {}, ['RUNNING'], { service: 1 }, '__proto__'),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Values of one field: mostly valid ones. */
const mostly = (valid: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 40, arbitrary: valid }, { weight: 1, arbitrary: anyValue });

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/);
const printable = fc.string({ unit: 'binary', maxLength: 20 });
const time = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z') })
  .filter((date) => !Number.isNaN(+date))
  .map((date) => date.toISOString());
const enumValue = (...names: string[]) =>
  fc.oneof(fc.constantFrom(...names), fc.nat(9), fc.constantFrom(2 ** 31 - 1, -(2 ** 31)));

const fields = {
  id: mostly(fc.constantFrom('a', 'b')),
  service: mostly(fc.constant('fuzzed')),
  address: mostly(
    fc.record({
      host: mostly(fc.oneof(fc.constantFrom('127.0.0.1', '::1'), fc.ipV4(), fc.ipV6(), label)),
      port: mostly(fc.integer({ min: 1, max: 65_535 })),
    }),
  ),
  type: mostly(enumValue('API', 'WORKER', 'DATABASE')),
  status: mostly(enumValue('RUNNING', 'STOPPING', 'ERROR')),
  version: mostly(printable),
  zone: mostly(printable),
  weight: mostly(fc.double({ min: 0, max: 1_000_000, noNaN: true })),
  metadata: mostly(
    fc.dictionary(fc.oneof(printable, fc.constantFrom('__proto__', 'constructor')), printable, {
      maxKeys: 5,
    }),
  ),
  dependencies: mostly(fc.array(mostly(label), { maxLength: 3 })),
  startTime: mostly(time),
  incarnation: mostly(printable),
  ttlSeconds: mostly(fc.integer({ min: 2, max: 3600 })),
  healthCheck: mostly(fc.record({ service: mostly(printable) })),
  health: mostly(enumValue('SERVING', 'NOT_SERVING')),
};
const optional = new Set(['metadata', 'dependencies', 'healthCheck', 'health']);
const requiredKeys = Object.keys(fields).filter((name) => !optional.has(name)) as [];

/**
 * Texts of values: records, records with a number that JSON writes and JavaScript does not, and
 * junk.
 */
const value = fc.oneof(
  { weight: 20, arbitrary: fc.record(fields, { requiredKeys }).map((it) => JSON.stringify(it)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.record(fields, { requiredKeys }), fc.constantFrom('1e400', '-0', '1e-400', '01'))
      .map(([record, number]) => JSON.stringify(record).replace(/:\d+/, `:${number}`)),
  },
  { weight: 1, arbitrary: fc.oneof(fc.json(), anyText) },
);

const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };
const revision = fc.bigInt({ min: 1n, max: int64.max });
const keyValues: fc.Arbitrary<KeyValue[]> = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b').map((id) => instanceKey('fuzzed', id)),
    value,
    isUtf8: fc.constant(true),
    leaseId: fc.bigInt(int64),
    createRevision: revision,
    modRevision: revision,
  }),
  { minLength: 1, maxLength: 4 },
);

/** The `start_time` in the bytes of an instance. */
function startTimeOf(bytes: Uint8Array): Timestamp | undefined {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === 10) return Timestamp.decode(reader.bytes());
    reader.skip(tag & 7);
  }
  return undefined;
}

/**
 * Checks that an accepted instance is the same after each encoding, and small enough for a message.
 */
function checkEncodings(instance: StoredInstance): void {
  const bytes = encodedInstance(instance);
  expect(bytes.length).toBeLessThan(PART_BYTES);
  expect(Instance.decode(bytes)).toEqual(instance);
  const { nanos = 0 } = startTimeOf(bytes) ?? {};
  expect(nanos).toBeGreaterThanOrEqual(0);
  expect(nanos).toBeLessThan(1e9);
  const text = encodeInstance(instance);
  expect({ ...instance, ...decodeInstance(text) }).toEqual(instance);
  expect(encodeInstance({ ...instance, ...decodeInstance(text) })).toBe(text);
  expect(JSON.parse(JSON.stringify(wireInstance(instance)))).toMatchObject({ id: instance.id });
}

/**
 * Lists records, changes them and deletes them as a watch of etcd brings them, and sends all of it.
 */
async function checkMessages(instances: readonly StoredInstance[]): Promise<void> {
  const { getService, listInstances, watch } = SharedEncodingDefinition.methods;
  const catalog = new Catalog();
  const events = new EventBook();
  const stopFollowing = followCatalog({ catalog, isLeaseAlive: async () => true }, events);
  const hub = new WatchHub(catalog);
  const { signal } = new AbortController();
  catalog.replace([], 0n);
  using opened = hub.open('peer', { fromRevision: 0n });
  const { EVENT_TYPE_PUT: put, EVENT_TYPE_DELETE: gone } = EventType;
  let at = 0n;
  for (const type of [put, gone]) {
    for (const instance of instances) {
      at += 1n;
      catalog.apply([{ type, instance, revision: at }]);
      watch.responseType.encode((await opened.watcher.next(0, signal)) as never).finish();
      const answer = { instances: [...catalog.instances('fuzzed')], revision: at, stale: false };
      getService.responseType.encode({ service: 'fuzzed', ...answer }).finish();
      listInstances.responseType.encode({ nextPageToken: '', ...answer }).finish();
    }
  }
  expect(catalog.eventsSince(0n)).toHaveLength(2 * instances.length);
  await turn();
  expect(events.latest).toBeGreaterThanOrEqual(BigInt(instances.length));
  stopFollowing();
  hub.close();
}

it(
  'each record that the reader accepts can be encoded, listed, watched and written again',
  async () => {
    let accepted = 0;
    let refused = 0;
    const run = async (records: KeyValue[]) => {
      const reader = new RecordReader(new Catalog(), silentLog, new FeedStats());
      const instances: StoredInstance[] = [];
      for (const record of records) {
        const instance = reader.read(record);
        if (instance === undefined) {
          refused += 1;
          expect(() => decodeRecord(record)).toThrow();
        } else {
          accepted += 1;
          checkEncodings(instance);
          instances.push(instance);
        }
      }
      await checkMessages(instances);
    };
    await fc.assert(fc.asyncProperty(keyValues, run), {
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: SECONDS * 1000,
    });
    // A fuzzer that produces only one kind of record finds nothing.
    expect(accepted).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
  },
  SECONDS * 1000 + 30_000,
);
