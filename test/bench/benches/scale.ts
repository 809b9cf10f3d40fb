import { freePort } from '../../../orchestrator/src/process/ports.ts';
import type { Bench } from '../harness/bench.ts';
import { EtcdStage } from '../harness/etcd-stage.ts';
import { fillEtcd } from '../harness/fill-etcd.ts';
import { sharedNow } from '../harness/open-loop.ts';
import type { Row } from '../harness/row.ts';
import { compare } from '../harness/stats.ts';
import type { Kept } from '../processes/keeper.ts';
import type { Watching } from '../processes/watchers.ts';

const TTL_SECONDS = 60;
const FOLLOWED = { prefix: 'followed', services: 20, perService: 1 };
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

interface Memory {
  readonly rss: number;
  readonly heap: number;
}

/** One registry process with all that there is to be known. */
export const scale: Bench = {
  name: 'scale',
  about:
    '100,000 instances in one registry: memory, start, renewals; 1,000 clients over its restart',
  run: (effort, reporter) =>
    EtcdStage.use(async (stage) => {
      const count = effort.isQuick ? 10_000 : 100_000;
      const perLease = effort.minutes === undefined ? 10 : 1;
      const name = `${count} instances`;
      const etcd = stage.etcd.endpoint;
      const rows: Row[] = [];

      const empty = stage.startRegistry();
      await empty.ask('start', { etcd });
      const before = await empty.ask<Memory>('memory');
      await empty.end();

      reporter.progress('filling etcd');
      const [services, ttlSeconds] = [count / 10, effort.minutes === undefined ? 600 : TTL_SECONDS];
      const filling = { endpoint: etcd, prefix: 'full', services, perService: 10, perLease };
      const leaseIds = await fillEtcd({ ...filling, ttlSeconds });
      await fillEtcd({ ...FOLLOWED, endpoint: etcd, ttlSeconds: 600 });

      reporter.progress('starting a registry');
      const port = await freePort('127.0.0.1');
      const spawned = performance.now();
      const registry = stage.startRegistry();
      const address = await registry.ask<string>('start', { etcd, port });
      rows.push(rowOf(name, 'ms from start to SERVING', performance.now() - spawned));
      // Past the audit that follows: nothing else of this size happens.
      await new Promise((resolve) => setTimeout(resolve, 3000));
      const full = await registry.ask<Memory>('memory');
      rows.push(
        rowOf(name, 'MB RSS above the empty one', full.rss - before.rss, before.rss),
        rowOf(name, 'MB heap above the empty one', full.heap - before.heap, before.heap),
      );

      const seconds = effort.minutes === undefined ? 5 : effort.minutes * 60;
      reporter.progress(`renewing for ${seconds} s`);
      const keeper = stage.start('processes/keeper.ts');
      const cpu = await registry.ask<number>('cpu');
      const everyMs = effort.minutes === undefined ? 5000 : (TTL_SECONDS * 1000) / 3;
      const keeping = { registry: address, leaseIds, everyMs, ms: seconds * 1000 };
      const { renewals, lost, failures } = await keeper.ask<Kept>('keep', keeping);
      const usEach = ((await registry.ask<number>('cpu')) - cpu) / renewals;
      const listed = await registry.ask<number>('size');
      const expired = count + FOLLOWED.services - listed + lost;
      const coresAt = (ttl: number) => (usEach * count * 3) / ttl / 1e6;
      rows.push(
        rowOf(`${name}, renewed for ${seconds} s`, 'false expiries', expired),
        rowOf(`${name}, renewed for ${seconds} s`, 'streams that failed', failures),
        rowOf(`${name}, renewed for ${seconds} s`, 'registry CPU us/renewal', usEach),
        rowOf(`${name} at TTL 10 s, by that`, 'cores', coresAt(10)),
        rowOf(`${name} at TTL 30 s, by that`, 'cores', coresAt(30)),
      );

      reporter.progress('opening clients');
      const crowd = Array.from({ length: PROCESSES }, () => stage.start('processes/watchers.ts'));
      const watching: Watching = {
        kind: 'sdk',
        address,
        of: FOLLOWED.prefix,
        count: CLIENTS / PROCESSES,
        services: FOLLOWED.services,
      };
      await Promise.all(crowd.map((worker) => worker.ask('open', watching)));
      reporter.progress('restarting the registry');
      await registry.end();
      await fillEtcd({ ...FOLLOWED, endpoint: etcd, ttlSeconds: 600, firstId: 'fresh' });
      const reads = await rangeReads(etcd);
      const start = sharedNow();
      await stage.startRegistry().ask('start', { etcd, port });
      const ready = sharedNow();
      const seen = await Promise.all(
        crowd.map((worker) =>
          worker.ask<number[]>('seen', { what: '+fresh', count: watching.count }),
        ),
      );
      const last = Math.max(...seen.flat());
      const restart = `${CLIENTS} clients, registry restarted`;
      rows.push(
        rowOf(restart, 'ms until all are fresh', last - start),
        rowOf(restart, 'ms of these after it was SERVING', Math.max(0, last - ready)),
        rowOf(
          restart,
          'range reads in etcd per service',
          ((await rangeReads(etcd)) - reads) / services,
        ),
        rowOf(restart, 'range reads in etcd', (await rangeReads(etcd)) - reads),
      );
      reporter.note(`${perLease} instances to a lease, filled straight into etcd, 10 to a service`);
      reporter.note('measured once; baseline: the empty registry, or 0 where there is none');
      return rows;
    }),
};
