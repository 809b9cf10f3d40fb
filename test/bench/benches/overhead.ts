import type { Bench, Effort, Reporter } from '../harness/bench.ts';
import { CountingRegistry } from '../harness/counting-registry.ts';
import { microArm } from '../harness/micro-arms.ts';
import { alternate } from '../harness/rounds.ts';
import { FigureTable, type Row } from '../harness/row.ts';
import { Stage } from '../harness/stage.ts';
import type { ClosedLoopResult } from '../processes/client.ts';

const SERVICE = 'bench-one';
const METRIC = 'us/call';

async function addedPerCall(stage: Stage, effort: Effort, reporter: Reporter): Promise<Row[]> {
  const calls = effort.isQuick ? 32_000 : 160_000;
  const core = { calls, strategy: 'round_robin', count: 10 };
  const arms = [
    microArm(stage, 'core', METRIC, 'core', core),
    microArm(stage, 'core again', METRIC, 'core', core),
    microArm(stage, 'nothing', METRIC, 'nothing', calls),
  ];
  const table = await alternate('added per call', arms, effort, reporter);
  return [
    ...table.rows('overhead', 'weft core vs itself (A/A)', 'core again', 'core'),
    ...table.rows('overhead', 'weft core vs an empty call', 'core', 'nothing'),
  ];
}

async function cachedDiscover(stage: Stage, effort: Effort, reporter: Reporter): Promise<Row[]> {
  const questions = effort.isQuick ? 20_000 : 100_000;
  const argument = { registry: stage.registry.address, service: SERVICE, questions };
  const arms = [
    microArm(stage, 'discover', METRIC, 'discover', argument),
    microArm(stage, 'answered', METRIC, 'answered', questions),
  ];
  const table = await alternate('cached discover', arms, effort, reporter);
  const name = 'cached discover vs an async function that has the answer';
  return table.rows('overhead', name, 'discover', 'answered');
}

/** Rpcs that reach a registry while a warm client calls; the servers register at the one behind it. */
async function registryRpcs(stage: Stage, effort: Effort, reporter: Reporter): Promise<Row[]> {
  const counting = await CountingRegistry.start(stage.registry.address);
  try {
    const client = await stage.client({
      kind: 'weft-grpc-js',
      service: SERVICE,
      registry: counting.address,
    });
    await client.ask('closedLoop', { concurrency: 8, ms: 200 });
    const before = counting.rpcs;
    reporter.note(`cold start: ${before} rpc(s) at the registry, the watch among them`);
    if (before === 0) throw new Error('not even discovery was counted at the registry');
    const table = new FigureTable();
    for (let round = 0; round < effort.rounds; round += 1) {
      reporter.progress(`registry rpcs: round ${round + 1} of ${effort.rounds}`);
      const then = counting.rpcs;
      const slice = { concurrency: 32, ms: effort.isQuick ? 200 : 400 };
      const { calls } = await client.ask<ClosedLoopResult>('closedLoop', slice);
      table.add('warm', { rpcs: counting.rpcs - then });
      table.add('calls', { rpcs: calls });
    }
    return table.rows('overhead', 'registry rpcs in warm calls vs calls made', 'warm', 'calls');
  } finally {
    await counting.close();
  }
}

/** What the SDK adds to a call besides the transport, and whom it asks meanwhile. */
export const overhead: Bench = {
  name: 'overhead',
  about: 'what we add to each call without a transport; a cached discover; rpcs at the registry',
  run: (effort, reporter) =>
    Stage.use(async (stage) => {
      await stage.serve(stage.server(), { service: SERVICE, id: 'one' });
      return [
        ...(await addedPerCall(stage, effort, reporter)),
        ...(await cachedDiscover(stage, effort, reporter)),
        ...(await registryRpcs(stage, effort, reporter)),
      ];
    }),
};
