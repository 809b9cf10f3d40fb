import { describe, expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { EventType, type InstanceType } from '@weft/proto/registry';
import { Catalog } from '../../../registry/src/store/catalog.ts';
import { differences } from '../../../registry/src/store/etcd-audit.ts';
import {
  instanceKey,
  parseInstanceKey,
  prefixEnd,
  SERVICES_PREFIX,
} from '../../../registry/src/store/etcd-keys.ts';
import { EtcdKeyspace } from '../../../registry/src/store/etcd-keyspace.ts';
import { decodeRecord, RecordReader } from '../../../registry/src/store/etcd-record.ts';
import { FeedStats } from '../../../registry/src/store/feed-stats.ts';
import { encodeInstance } from '../../../registry/src/store/instance-json.ts';
import { INVALID_FIELDS, invalidRecord } from '../../support/invalid-records.ts';
import { storedInstance } from './fixtures.ts';

const stored = (value: string, over = {}) => ({
  key: '/weft/v1/services/user-service/a',
  value,
  isUtf8: true,
  leaseId: 7n,
  createRevision: 1n,
  modRevision: 1n,
  ...over,
});

describe('keys in etcd', () => {
  it('name a service and an instance', () => {
    expect(instanceKey('user', 'a')).toBe('/weft/v1/services/user/a');
    expect(parseInstanceKey('/weft/v1/services/user/a')).toEqual({ service: 'user', id: 'a' });
    for (const key of ['/weft/v1/services/user', '/weft/v1/services/user/a/b', '/weft/v1/x/y/z']) {
      expect(parseInstanceKey(key)).toBeUndefined();
    }
  });

  it('end where the next prefix begins', () => {
    expect(prefixEnd(SERVICES_PREFIX).toString()).toBe('/weft/v1/services0');
    expect([...prefixEnd('a\u007f')]).toEqual([0x61, 0x80]);
  });
});

describe('values in etcd', () => {
  it('are one line of JSON, the same for the same instance, without lease and revisions', () => {
    const text = encodeInstance(storedInstance());
    expect(text).toBe(
      '{"id":"a","service":"user-service","address":{"host":"127.0.0.1","port":50051},' +
        '"type":"API","status":"RUNNING","version":"1.0.0","zone":"z1","weight":1,' +
        '"metadata":{"team":"mesh"},"dependencies":["order-service"],' +
        '"startTime":"2026-01-02T03:04:05.000Z","incarnation":"first","ttlSeconds":10}',
    );
    const other = storedInstance({ leaseId: 9n, modRevision: 4n });
    expect(encodeInstance(other)).toBe(text);
    const two = (...entries: [string, string][]) =>
      encodeInstance(storedInstance({ metadata: new Map(entries) }));
    expect(two(['a', '1'], ['b', '2'])).toBe(two(['b', '2'], ['a', '1']));
  });

  it('come back as they were, odd keys and unknown enum values included', () => {
    const instance = storedInstance({
      metadata: new Map([
        ['__proto__', 'x'],
        ['constructor', 'y'],
        ['1', 'line\nbreak'],
      ]),
      type: 42 as InstanceType,
    });
    const read = decodeRecord(stored(encodeInstance(instance)));
    expect(new Map([...read.metadata].sort())).toEqual(new Map([...instance.metadata].sort()));
    expect({ ...read, metadata: 0 }).toEqual({ ...instance, metadata: 0 });
  });

  it.each([
    ['not JSON', stored('garbage')],
    ['no object', stored('[]')],
    ['an empty value', stored('')],
    ['fields missing', stored('{}')],
    ['a wrong type', stored(encodeInstance(storedInstance()).replace('50051', '"50051"'))],
    ['a bad port', stored(encodeInstance(storedInstance()).replace('50051', '0'))],
    ['an unknown status', stored(encodeInstance(storedInstance()).replace('RUNNING', 'WALKING'))],
    ['another instance', stored(encodeInstance(storedInstance({ id: 'b' })))],
    ['no lease', stored(encodeInstance(storedInstance()), { leaseId: 0n })],
    ['a foreign key', stored(encodeInstance(storedInstance()), { key: '/weft/v1/services/x' })],
  ])('are refused with %s', (_, record) => {
    expect(() => decodeRecord(record)).toThrow();
  });

  it.each(Object.entries(INVALID_FIELDS))('are refused with %s', (_, fields) => {
    const value = invalidRecord(encodeInstance(storedInstance()), fields);
    expect(() => decodeRecord(stored(value))).toThrow();
  });

  it.each([
    ['the key', '/weft/v1/services/user-service/\xff', '1.0'],
    ['the value', '/weft/v1/services/user-service/a', '\xff\xfe'],
  ])('are refused with bytes in %s that are not UTF-8', (_, key, version) => {
    const value = encodeInstance(storedInstance({ version: 'marked' })).replace('marked', version);
    const raw = { lease: '7', create_revision: '1', mod_revision: '1' };
    const bytes = { key: Buffer.from(key, 'latin1'), value: Buffer.from(value, 'latin1') };
    expect(() => decodeRecord(new EtcdKeyspace().keyValue({ ...raw, ...bytes }))).toThrow(
      'the key or the value is not valid UTF-8',
    );
  });

  it('are skipped when they are valid but cannot be encoded as a message', () => {
    const stats = new FeedStats();
    const reader = new RecordReader(new Catalog(), silentLog, stats);
    const value = encodeInstance(storedInstance());
    expect(reader.read(stored(value, { leaseId: 1n << 64n }))).toBeUndefined();
    expect([...reader.skipped.keys()]).toEqual(['/weft/v1/services/user-service/a']);
    expect(stats.skippedValues).toBe(1);
    expect(reader.read(stored(value, { modRevision: 2n }))?.id).toBe('a');
    expect(reader.skipped.size).toBe(0);
  });
});

describe('the audit', () => {
  const of = (id: string, modRevision: bigint) => storedInstance({ service: 's', id, modRevision });
  const key = (id: string) => instanceKey('s', id);

  function filled() {
    const catalog = new Catalog();
    catalog.replace([of('same', 1n), of('old', 2n), of('gone', 3n), of('kept', 4n)], 5n);
    return catalog;
  }

  /** A list at revision 10, a key a page. */
  async function* listing(keys: readonly [id: string, modRevision: bigint][]) {
    for (const [id, modRevision] of keys) {
      yield { revision: 10n, keyValues: [{ key: key(id), modRevision }] };
    }
    yield { revision: 10n, keyValues: [{ key: '/weft/v1/services/junk', modRevision: 6n }] };
  }
  const junk: [string, bigint] = ['/weft/v1/services/junk', 6n];

  it('finds what is missing, outdated and left over, and lets skipped values be', async () => {
    const listed = listing([
      ['same', 1n],
      ['old', 9n],
      ['new', 8n],
      ['kept', 7n],
    ]);
    const skipped = new Map([[key('kept'), 7n], junk, [key('dropped'), 2n]]);
    const { found, revision } = await differences(listed, filled(), skipped);
    expect([...found].sort()).toEqual([
      `${key('dropped')}@deleted`,
      `${key('gone')}@deleted`,
      `${key('new')}@8`,
      `${key('old')}@9`,
    ]);
    expect(revision).toBe(10n);
  });

  it('does not count what the catalog knows of later than the list', async () => {
    const catalog = filled();
    const put = (id: string, revision: bigint) => ({
      type: EventType.EVENT_TYPE_PUT,
      instance: of(id, revision),
      revision,
    });
    const listed = listing([
      ['same', 1n],
      ['old', 2n],
      ['kept', 4n],
    ]);
    catalog.apply([put('old', 11n), put('later', 12n)]);
    const { found } = await differences(listed, catalog, new Map([junk]));
    expect([...found]).toEqual([`${key('gone')}@deleted`]);
  });
});
