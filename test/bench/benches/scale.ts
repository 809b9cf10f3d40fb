import { freePort } from '../../../orchestrator/src/process/ports.ts';
import type { Bench, Reporter } from '../harness/bench.ts';
import { EtcdStage } from '../harness/etcd-stage.ts';
import { fillEtcd } from '../harness/fill-etcd.ts';
import { sharedNow } from '../harness/open-loop.ts';
import { endWorkers, type Worker } from '../harness/processes.ts';
import type { Row } from '../harness/row.ts';
import { compare } from '../harness/stats.ts';
import type { Kept } from '../processes/keeper.ts';
import type { Watching } from '../processes/watchers.ts';

const TTL_SECONDS = 60;
const FOLLOWED = { prefix: 'followed', services: 20, perService: 1 };
/** Instances that share a lease, where filling etcd must not take long. */
const PER_LEASE = 10;
/** In which the leases of the long run are taken: the first are renewed before the last are there. */
const PARTS = 20;
const PROCESSES = 2;
const CLIENTS = 1000;

/** What there is to be measured once; a baseline of 0 where there is none. */
function rowOf(name: string, metric: string, value: number, baseline = 0): Row {
  return { bench: 'scale', case: name, metric, ...compare([value], [baseline]) };
}

/** Range reads that etcd has answered. */
async function rangeReads(endpoint: string): Promise<number> {
  const metrics = await (await fetch(`http://${endpoint}/metrics`)).text();
  const [, count] = /^etcd_(?:debugging_)?mvcc_range_total (\S+)$/m.exec(metrics) ?? [];
  return Number(count);
}

interface Renewing {
  readonly registry: Worker;
  readonly address: string;
  readonly keeper: Worker;
}

interface Memory {
  readonly rss: number;
  readonly heap: number;
}

/** Renews leases through a registry for some time: what was lost, and what a renewal costs it. */
async function renewed(
  { registry, address, keeper }: Renewing,
  leaseIds: readonly bigint[],
  { everyMs, ms }: { everyMs: number; ms: number },
) {
  const cpu = await registry.ask<number>('cpu');
  const kept = await keeper.ask<Kept>('keep', { registry: address, leaseIds, everyMs, ms });
  return { ...kept, us: (await registry.ask<number>('cpu')) - cpu };
}

function renewalRows(
  name: string,
  count: number,
  expired: number,
  kept: Omit<Kept, 'firstFailure'> & { us: number },
) {
  const usEach = kept.us / kept.renewals;
  const coresAt = (ttlSeconds: number) => (usEach * count * 3) / ttlSeconds / 1e6;
  return [
    rowOf(name, 'false expiries', Math.max(expired, kept.lost)),
    rowOf(name, 'streams that failed', kept.failures),
    rowOf(name, 'registry CPU us/renewal', usEach),
    rowOf(name, 'cores at TTL 10 s, by that', coresAt(10)),
    rowOf(name, 'cores at TTL 30 s, by that', coresAt(30)),
  ];
}

/** Instances of TTL 60 s, each under its own lease, renewed for minutes: as they are listed, so are they kept. */
async function keepForMinutes(
  stage: EtcdStage,
  count: number,
  minutes: number,
  reporter: Reporter,
): Promise<Row[]> {
  const etcd = stage.etcd.endpoint;
  const registry = stage.startRegistry();
  const address = await registry.ask<string>('start', { etcd });
  const renewing = { registry, address, keeper: stage.start('processes/keeper.ts') };
  const startedAt = performance.now();
  const end = startedAt + minutes * 60_000;
  const all: Promise<Awaited<ReturnType<typeof renewed>>>[] = [];
  for (let part = 0; part < PARTS; part += 1) {
    const filling = { endpoint: etcd, prefix: `part-${part}`, perService: 10 };
    const services = count / PARTS / 10;
    const leaseIds = await fillEtcd({ ...filling, services, ttlSeconds: TTL_SECONDS });
    const how = { everyMs: (TTL_SECONDS * 1000) / 3, ms: end - performance.now() };
    all.push(renewed(renewing, leaseIds, how));
    reporter.progress(`${part + 1} of ${PARTS} parts listed`);
  }
  reporter.note(`listed within ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  const parts = await Promise.all(all);
  const sum = (of: 'renewals' | 'lost' | 'failures') =>
    parts.reduce((total, part) => total + part[of], 0);
  const kept = { renewals: sum('renewals'), lost: sum('lost'), failures: sum('failures') };
  const { firstFailure } = parts.find((part) => part.firstFailure !== undefined) ?? {};
  if (firstFailure !== undefined) reporter.note(`the first stream that failed: ${firstFailure}`);
  // The first one measured from the beginning, what the others did included.
  const us = parts[0]?.us ?? 0;
  const expired = count - (await registry.ask<number>('size'));
  return renewalRows(`${count} instances, ${minutes} min`, count, expired, { ...kept, us });
}

/** Kills a registry under a thousand clients; answers how long it took until they knew what was new. */
async function restart(stage: EtcdStage): Promise<Row[]> {
  const etcd = stage.etcd.endpoint;
  await fillEtcd({ ...FOLLOWED, endpoint: etcd, ttlSeconds: 600 });
  const port = await freePort('127.0.0.1');
  const registry = stage.startRegistry();
  const address = await registry.ask<string>('start', { etcd, port });
  const crowd = Array.from({ length: PROCESSES }, () => stage.start('processes/watchers.ts'));
  const watching: Watching = {
    kind: 'sdk',
    address,
    of: FOLLOWED.prefix,
    count: CLIENTS / PROCESSES,
    services: FOLLOWED.services,
  };
  await Promise.all(crowd.map((worker) => worker.ask('open', watching)));
  await registry.end();
  await fillEtcd({ ...FOLLOWED, endpoint: etcd, ttlSeconds: 600, firstId: 'fresh' });
  const reads = await rangeReads(etcd);
  const start = sharedNow();
  const next = stage.startRegistry();
  await next.ask('start', { etcd, port });
  const ready = sharedNow();
  const what = { what: '+fresh', count: watching.count };
  const seen = await Promise.all(crowd.map((worker) => worker.ask<number[]>('seen', what)));
  const last = Math.max(...seen.flat());
  const reread = (await rangeReads(etcd)) - reads;
  await endWorkers([next, ...crowd]);
  const name = `${CLIENTS} clients of ${FOLLOWED.services} services, registry restarted`;
  return [
    rowOf(name, 'ms until SERVING', ready - start),
    rowOf(name, 'ms until all are fresh', last - start),
    rowOf(name, 'range reads in etcd', reread),
  ];
}

/** One registry process with all that there is to be known. */
export const scale: Bench = {
  name: 'scale',
  about:
    '100,000 instances in one registry: memory, start, renewals; 1,000 clients over its restart',
  run: (effort, reporter) =>
    EtcdStage.use(async (stage) => {
      const count = effort.isQuick ? 10_000 : 100_000;
      reporter.note('measured once; baseline: the empty registry, or 0 where there is none');
      if (effort.minutes !== undefined) {
        reporter.note('every instance under a lease of its own, TTL 60 s, renewed each 20 s');
        reporter.progress(`renewing for ${effort.minutes} min`);
        return keepForMinutes(stage, count, effort.minutes, reporter);
      }
      reporter.progress('restarting under clients');
      const restarted = await restart(stage);
      const name = `${count} instances`;
      const etcd = stage.etcd.endpoint;
      const empty = stage.startRegistry();
      await empty.ask('start', { etcd });
      const before = await empty.ask<Memory>('memory');
      await empty.end();

      reporter.progress('filling etcd');
      const filling = { endpoint: etcd, prefix: 'full', services: count / 10, perService: 10 };
      const leaseIds = await fillEtcd({ ...filling, perLease: PER_LEASE, ttlSeconds: 600 });
      reporter.note(
        `${PER_LEASE} instances to a lease, filled straight into etcd, 10 to a service`,
      );

      reporter.progress('starting a registry');
      const spawned = performance.now();
      const registry = stage.startRegistry();
      const address = await registry.ask<string>('start', { etcd });
      const startMs = performance.now() - spawned;
      // Past the audit that follows: nothing else of this size happens.
      await new Promise((resolve) => setTimeout(resolve, 3000));
      const full = await registry.ask<Memory>('memory');

      reporter.progress('renewing');
      const renewing = { registry, address, keeper: stage.start('processes/keeper.ts') };
      const kept = await renewed(renewing, leaseIds, { everyMs: 5000, ms: 5000 });
      const others = 2 * FOLLOWED.services;
      const expired = count + others - (await registry.ask<number>('size'));
      return [
        ...restarted,
        rowOf(name, 'ms from start to SERVING', startMs),
        rowOf(name, 'MB RSS above the empty one', full.rss - before.rss, before.rss),
        rowOf(name, 'MB heap above the empty one', full.heap - before.heap, before.heap),
        ...renewalRows(`${name}, 5 s`, count, expired, kept),
      ];
    }),
};
