import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICES_PREFIX } from '../../../registry/src/store/etcd-keys.ts';
import { INVALID_FIELDS, invalidRecord, type StoredRecord } from '../../support/invalid-records.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Replica } from '../cluster/replica.ts';
import type { Oracle } from '../parties/oracle.ts';
import type { Recorder } from '../recorder.ts';
import type { Fault, FaultKind } from './fault-script.ts';

/** What a fault may break. */
export interface Scene {
  readonly etcd: Cluster['etcd'];
  readonly replica: Replica;
  readonly oracle: Oracle;
  readonly recorder: Recorder;
}

export interface FaultAct {
  /** Whom it is about: acts of one wait for one another. */
  readonly targets: readonly ('etcd' | 'replica')[];
  /** Breaks it, and makes it whole again. */
  run(scene: Scene, fault: Fault): Promise<void>;
}

const LINK_DELAY_MS = 300;

/** Forgets etcd's past, as far as it was taken down. */
async function compact({ etcd, oracle, recorder }: Scene): Promise<void> {
  const { revision } = oracle;
  if (revision <= (recorder.compactions.at(-1) ?? 0)) return;
  await etcd.ctl('compact', `${revision}`);
  recorder.compactions.push(revision);
}

function chosenKey({ oracle }: Scene, { choice }: Fault): string | undefined {
  const { keys } = oracle;
  return keys[Math.floor(choice * keys.length)];
}

/**
 * The fields to damage a record with, each in a share of the faults; undefined to replace the
 * record.
 */
function anyInvalidFields({ choice }: Fault): StoredRecord | undefined {
  const all = [undefined, ...Object.values(INVALID_FIELDS)];
  // `choice` itself picks the key.
  return all[Math.floor(((choice * 1e6) % 1) * all.length)];
}

function isRecord(text: string): boolean {
  return text.startsWith('{');
}

/** Breaks a link of a replica for a while. */
function onLink(
  side: 'toEtcd' | 'toClients',
  breakIt: (link: Replica['toEtcd']) => void,
  mend: (link: Replica['toEtcd']) => void,
): FaultAct {
  return {
    targets: ['replica'],
    async run({ replica }, { forMs }) {
      breakIt(replica[side]);
      await sleep(forMs);
      mend(replica[side]);
    },
  };
}

const cut = (link: Replica['toEtcd']) => link.cut();
const restore = (link: Replica['toEtcd']) => link.restore();
const slow = (link: Replica['toEtcd']) => {
  link.latencyMs = LINK_DELAY_MS;
};
const fast = (link: Replica['toEtcd']) => {
  link.latencyMs = 0;
};
const swallow = (link: Replica['toEtcd']) => link.block('toClient');

export const FAULTS: Record<FaultKind, FaultAct> = {
  'kill-replica': {
    targets: ['replica'],
    async run({ replica }, { forMs }) {
      await replica.kill();
      await sleep(forMs);
      await replica.spawn();
      await replica.ready();
    },
  },
  'freeze-replica': {
    targets: ['replica'],
    async run({ replica }, { forMs }) {
      const thaw = replica.freeze();
      await sleep(forMs);
      thaw();
    },
  },
  'cut-clients': onLink('toClients', cut, restore),
  'cut-etcd': onLink('toEtcd', cut, restore),
  'slow-clients': onLink('toClients', slow, fast),
  'slow-etcd': onLink('toEtcd', slow, fast),
  'deaf-clients': onLink('toClients', swallow, restore),
  'deaf-replica': onLink('toEtcd', swallow, restore),
  'kill-etcd': {
    targets: ['etcd'],
    async run({ etcd }, { forMs }) {
      await etcd.kill();
      await sleep(forMs);
      // Its port may be someone else's by now, for a moment.
      await etcd.start().catch(() => etcd.start());
    },
  },
  'freeze-etcd': {
    targets: ['etcd'],
    async run({ etcd }, { forMs }) {
      etcd.pause();
      await sleep(forMs);
      etcd.resume();
    },
  },
  compact: { targets: ['etcd'], run: compact },
  'compact-behind': {
    targets: ['etcd', 'replica'],
    async run(scene, { forMs }) {
      scene.replica.toEtcd.cut();
      await sleep(1000 + forMs);
      await compact(scene).finally(() => scene.replica.toEtcd.restore());
    },
  },
  'revoke-lease': {
    targets: ['etcd'],
    async run(scene, fault) {
      const leaseId = scene.oracle.leaseOf(chosenKey(scene, fault) ?? '');
      if (leaseId === undefined) return;
      // etcdctl names leases in hexadecimal. It may have ended meanwhile.
      await scene.etcd.ctl('lease', 'revoke', BigInt(leaseId).toString(16)).catch(() => {});
    },
  },
  'delete-service': {
    targets: ['etcd'],
    async run(scene, fault) {
      const [service] = chosenKey(scene, fault)?.split('/') ?? [];
      if (service !== undefined)
        await scene.etcd.ctl('del', '--prefix', `${SERVICES_PREFIX}${service}/`);
    },
  },
  'foreign-value': {
    targets: ['etcd'],
    async run(scene, fault) {
      const name = chosenKey(scene, fault);
      if (name === undefined) return;
      const key = `${SERVICES_PREFIX}${name}`;
      const fields = anyInvalidFields(fault);
      const valid = await scene.etcd.ctl('get', '--print-value-only', key);
      const leaseId = scene.oracle.leaseOf(name);
      if (fields === undefined || leaseId === undefined || !isRecord(valid)) {
        await scene.etcd.ctl('put', key, 'not an instance');
        return;
      }
      // On its own lease, the record is valid but for these fields. The lease may have ended
      // meanwhile.
      const lease = `--lease=${BigInt(leaseId).toString(16)}`;
      await scene.etcd.ctl('put', lease, key, invalidRecord(valid, fields)).catch(() => {});
    },
  },
};
