import type { Bench } from '../harness/bench.ts';
import { EtcdStage } from '../harness/etcd-stage.ts';
import { fillEtcd } from '../harness/fill-etcd.ts';
import { type Arm, alternate } from '../harness/rounds.ts';
import type { Reading } from '../processes/reader.ts';

const SERVICE = 'bench-read';
const FEW = 10;
const MANY = 10_000;
const SLICE_MS = 150;
/** Turns of each arm for each round of the run. */
const TURNS = 3;

/** What it costs to read one service as the number of the others grows. */
export const read: Bench = {
  name: 'read',
  about: 'GetService of 10 instances among 100 others and among 100,000, one call after the other',
  run: (effort, reporter) =>
    EtcdStage.use(async (stage) => {
      reporter.progress('listing instances');
      const armOf = async (
        name: string,
        reading: Reading,
        server?: ReturnType<typeof stage.start>,
      ) => {
        const reader = stage.start('processes/reader.ts');
        await reader.ask('open', reading);
        await reader.ask('run', effort.isQuick ? 200 : 800);
        const arm: Arm = {
          name,
          async measure() {
            const before = (await server?.ask<number>('cpu')) ?? 0;
            const { us, reads } = await reader.ask<{ us: number; reads: number }>('run', SLICE_MS);
            const figures: Record<string, number> = { 'us/call': us };
            if (server === undefined) return figures;
            const cpu = (await server.ask<number>('cpu')) - before;
            return { ...figures, 'server CPU us/call': cpu / reads };
          },
        };
        return arm;
      };
      const registryArm = async (name: string, others: number) => {
        const server = stage.start('processes/full-registry.ts');
        const address = await server.ask<string>('start', { service: SERVICE, others });
        return armOf(name, { kind: 'registry', address, of: SERVICE }, server);
      };
      const { endpoint } = stage.etcd;
      await fillEtcd({ endpoint, prefix: SERVICE, services: 1, perService: 10, ttlSeconds: 600 });
      const of = `/weft/v1/services/${SERVICE}-0/`;
      const arms = [
        await registryArm('few', FEW),
        await registryArm('again', FEW),
        await registryArm('many', MANY),
        await armOf('etcd', { kind: 'etcd', address: endpoint, of }),
      ];
      const rounds = effort.isQuick ? effort.rounds : effort.rounds * TURNS;
      const table = await alternate('read', arms, { rounds }, reporter);
      reporter.note('each arm has a registry and a client in processes of their own');
      reporter.note('raw etcd: etcd3 reads the ten keys by their prefix and parses the JSON');
      return [
        ...table.rows('read', 'GetService among 100 vs itself (A/A)', 'again', 'few'),
        ...table.rows('read', 'GetService among 100000 vs among 100', 'many', 'few'),
        ...table.rows('read', 'GetService among 100000 vs raw etcd', 'many', 'etcd'),
      ];
    }),
};
