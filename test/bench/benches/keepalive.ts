import type { Bench } from '../harness/bench.ts';
import { EtcdStage } from '../harness/etcd-stage.ts';
import type { Worker } from '../harness/processes.ts';
import { type Arm, alternate } from '../harness/rounds.ts';

const LEASES = 2000;
/** Leases unanswered at any time, on one stream, however many to a message. */
const AT_ONCE = 500;
const PER_MESSAGE = 100;
const METRIC = 'renewals/s';

/** Renewing leases through the registry against one stream of the etcd client. */
export const keepalive: Bench = {
  name: 'keepalive',
  about:
    'renewals through the registry against a lease stream of the etcd client, on the same etcd',
  run: (effort, reporter) =>
    EtcdStage.use(async (stage) => {
      reporter.note(await stage.setup());
      reporter.note(`${AT_ONCE} leases of ${LEASES} are unanswered at any time, on one stream`);
      reporter.progress(`registering ${LEASES} instances`);
      const registrar = await stage.client('registry');
      const leaseIds = await registrar.ask<bigint[]>('leases', LEASES);
      const ms = effort.isQuick ? 300 : 800;
      const arm = (name: string, client: Worker, perMessage: number): Arm => ({
        name,
        async measure() {
          const renewing = { leaseIds, perMessage, atOnce: AT_ONCE / perMessage, ms };
          return { [METRIC]: await client.ask<number>('renew', renewing) };
        },
      });
      const arms = [
        arm('raw', await stage.client('etcd'), 1),
        arm('again', await stage.client('etcd'), 1),
        arm('one', await stage.client('registry'), 1),
        arm('many', await stage.client('registry'), PER_MESSAGE),
      ];
      reporter.progress('warming up');
      for (const each of arms) await each.measure(0);
      const table = await alternate('keepalive', arms, effort, reporter);
      return [
        ...table.rows('keepalive', 'etcd lease stream vs itself (A/A)', 'again', 'raw'),
        ...table.rows('keepalive', 'one lease per message vs etcd lease stream', 'one', 'raw'),
        ...table.rows(
          'keepalive',
          `${PER_MESSAGE} leases per message vs etcd lease stream`,
          'many',
          'raw',
        ),
      ];
    }),
};
