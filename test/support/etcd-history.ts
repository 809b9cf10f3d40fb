import { expect } from '@jest/globals';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import { SERVICES_PREFIX } from '../../registry/src/store/etcd-keys.ts';
import type { TestEtcd } from './etcd.ts';
import { eventually } from './eventually.ts';
import type { WatchRecorder } from './watch-recorder.ts';

interface Change {
  /** `PUT user-service/a@7`. */
  readonly text: string;
  readonly service: string;
  readonly revision: bigint;
}

/** A key outside of the mesh: its change is the last. */
const END = '/weft/end-of-history';

/** A busy machine may be slow to bring the last change. */
const PATIENCE = { withinMs: 15_000 };

/** Every change of the mesh that etcd has taken since it was last wiped, by its own account. */
async function historyOf(etcd: TestEtcd): Promise<Change[]> {
  await etcd.ctl('put', END, '');
  const client = new EtcdClient([etcd.endpoint]);
  const { promise: read, resolve, reject } = Promise.withResolvers<void>();
  const changes: Change[] = [];
  try {
    const { revision: last } = await client.get(END);
    const cancel = await client.watch('/weft/', 1n, {
      created() {},
      changed(told) {
        for (const { isDelete, keyValue } of told) {
          const { key, modRevision: revision } = keyValue;
          if (key.startsWith(SERVICES_PREFIX)) {
            const name = key.slice(SERVICES_PREFIX.length);
            const text = `${isDelete ? 'DELETE' : 'PUT'} ${name}@${revision}`;
            changes.push({ text, service: name.split('/')[0] ?? '', revision });
          }
          if (revision >= last) resolve();
        }
      },
      ended: ({ message }) => reject(new Error(`etcd cannot tell its history: ${message}`)),
    });
    await read;
    cancel();
    return changes;
  } finally {
    client.close();
  }
}

/** The leases, in hex, that no key of the mesh hangs on: of an instance that is none. */
export async function looseLeases(etcd: TestEtcd): Promise<string[]> {
  const client = new EtcdClient([etcd.endpoint]);
  try {
    const [, ...leases] = (await etcd.ctl('lease', 'list')).trim().split('\n');
    const keyValues = await client.listAll('/weft/');
    const used = new Set(keyValues.map(({ leaseId }) => leaseId.toString(16)));
    return leases.filter((lease) => !used.has(lease.replace(/^0+/, '')));
  } finally {
    client.close();
  }
}

/**
 * Waits until a watch has brought all that etcd took, and checks that it brought it as it happened:
 * no change lost, doubled or out of order, and in the end the very set that etcd holds.
 */
export async function expectFaithful(watch: WatchRecorder, etcd: TestEtcd): Promise<void> {
  const { services } = watch;
  const truth = (await historyOf(etcd)).filter(({ service }) => {
    return services.length === 0 || services.includes(service);
  });
  await eventually(() => {
    for (const [index, { from, changes }] of watch.stretches.entries()) {
      // What a new snapshot stands for need not have come before it.
      const isLast = index === watch.stretches.length - 1;
      const due = truth.filter(({ revision }) => revision > from).map(({ text }) => text);
      expect(changes).toEqual(isLast ? due : due.slice(0, changes.length));
    }
    const latest = new Map(
      truth.map(({ text, revision }) => [text.split(/[ @]/)[1] ?? '', { text, revision }]),
    );
    const present = [...latest].filter(([, { text }]) => text.startsWith('PUT'));
    const stored = present.map(([key, { revision }]) => [key, revision] as const).sort();
    const held = [...watch.held].map(([key, { modRevision }]) => [key, modRevision] as const);
    expect(held.sort()).toEqual(stored);
  }, PATIENCE);
}
