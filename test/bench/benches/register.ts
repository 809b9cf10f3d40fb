import { RAW_PREFIX } from '../arms/raw-etcd.ts';
import type { Bench } from '../harness/bench.ts';
import { EtcdStage } from '../harness/etcd-stage.ts';
import type { Worker } from '../harness/processes.ts';
import { type Arm, alternate } from '../harness/rounds.ts';
import { median } from '../harness/stats.ts';
import type { Registering, RegisteringResult } from '../processes/lease-client.ts';

const SERVICES_PREFIX = '/weft/v1/services/';
/** Registrations in one RegisterMany; two of these are under way at a time. */
const PER_CALL = 250;

/** Registering through the registry against what anyone would do by hand: a lease, and a key on it. */
export const register: Bench = {
  name: 'register',
  about: 'Register and RegisterMany against a grant and a put by the etcd client, on the same etcd',
  run: (effort, reporter) =>
    EtcdStage.use(async (stage) => {
      reporter.note(await stage.setup());
      let next = 0;
      const arm = (
        name: string,
        client: Worker,
        how: Omit<Registering, 'first'>,
        figuresOf: (result: RegisteringResult) => Record<string, number>,
      ): Arm => ({
        name,
        async measure() {
          const first = next;
          next += how.count;
          const result = await client.ask<RegisteringResult>('register', { first, ...how });
          // The leases stay to the end; what hangs on them must not pile up.
          await stage.etcd.ctl('del', '--prefix', SERVICES_PREFIX);
          await stage.etcd.ctl('del', '--prefix', RAW_PREFIX);
          return figuresOf(result);
        },
      });
      const raw = await stage.client('etcd');
      const again = await stage.client('etcd');
      const registry = await stage.client('registry');
      const few = { count: effort.isQuick ? 20 : 60, atOnce: 1, perCall: 1 };
      const many = { count: effort.isQuick ? 200 : 1000, atOnce: 50, perCall: 1 };
      const together = { ...many, atOnce: 2, perCall: PER_CALL };
      const latency = ({ latenciesMs }: RegisteringResult) => ({ 'p50 ms': median(latenciesMs) });
      const throughput = (count: number) => (result: RegisteringResult) => ({
        'registrations/s': (count * 1000) / result.elapsedMs,
      });
      const perSecond = throughput(many.count);
      const arms = [
        arm('raw c1', raw, few, latency),
        arm('again c1', again, few, latency),
        arm('Register c1', registry, few, latency),
        arm('raw c50', raw, many, perSecond),
        arm('again c50', again, many, perSecond),
        arm('Register c50', registry, many, perSecond),
        arm('RegisterMany', registry, together, perSecond),
      ];
      reporter.progress('warming up');
      for (const each of arms) await each.measure(0);
      const table = await alternate('register', arms, effort, reporter);
      const rows = (name: string, its: string, baseline: string) =>
        table.rows('register', name, its, baseline);
      return [
        ...rows('grant+put vs itself c1 (A/A)', 'again c1', 'raw c1'),
        ...rows('Register vs grant+put c1', 'Register c1', 'raw c1'),
        ...rows('grant+put vs itself c50 (A/A)', 'again c50', 'raw c50'),
        ...rows('Register vs grant+put c50', 'Register c50', 'raw c50'),
        ...rows(`RegisterMany of ${PER_CALL} vs grant+put c50`, 'RegisterMany', 'raw c50'),
      ];
    }),
};
