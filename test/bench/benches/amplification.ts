import type { ArmSpec } from '../arms/caller.ts';
import type { Bench } from '../harness/bench.ts';
import type { Sample } from '../harness/open-loop.ts';
import type { Worker } from '../harness/processes.ts';
import { type Arm, alternate } from '../harness/rounds.ts';
import { Stage } from '../harness/stage.ts';
import { roundRobinArm } from './tail-stage.ts';

const SERVICE = 'bench-failing';
const PER_SECOND = 300;

/** How much more reaches the servers than callers asked for, when every call fails. */
export const amplification: Bench = {
  name: 'amplification',
  about: 'everything fails UNAVAILABLE, 300 idempotent calls/s: attempts at the servers per call',
  run: (effort, reporter) =>
    Stage.use(async (stage) => {
      const servers = [stage.server(), stage.server(), stage.server()];
      const addresses: string[] = [];
      for (const [index, server] of servers.entries()) {
        const instance = { service: SERVICE, id: `failing-${index}`, failShare: 1 };
        addresses.push(await stage.serve(server, instance));
      }
      const armOf = (name: string, client: Worker, spec: ArmSpec): Arm => ({
        name,
        async measure(round) {
          // Anew each time: with its whole retry budget, and every breaker closed.
          await stage.reopen(client, spec);
          await Promise.all(servers.map((server) => server.ask('takeAttempts')));
          const ms = effort.isQuick ? 700 : 1300;
          const loop = { perSecond: PER_SECOND, ms, seed: round };
          const samples = await client.ask<Sample[]>('openLoop', loop);
          const counts = await Promise.all(
            servers.map((server) => server.ask<number>('takeAttempts')),
          );
          const attempts = counts.reduce((sum, count) => sum + count, 0);
          return { 'attempts/call': attempts / samples.length };
        },
      });
      const weft: ArmSpec = { kind: 'weft-grpc-js', service: SERVICE };
      // Opening at the billionth failure: the retry budget has to do it alone.
      const noBreaker = { ...weft, policy: { breaker: { failures: 1_000_000 } } };
      const retried = roundRobinArm(addresses, true);
      const specs = {
        weft,
        'weft again': weft,
        'weft with no breaker': noBreaker,
        'grpc-js round_robin, 3 attempts': retried,
      };
      const arms: Arm[] = [];
      for (const [name, spec] of Object.entries(specs)) {
        arms.push(armOf(name, await stage.client(spec), spec));
      }
      const table = await alternate('amplification', arms, effort, reporter);
      const baseline = 'grpc-js round_robin, 3 attempts';
      const compareTo = (arm: string, other: string, mark = '') =>
        table.rows('amplification', `${arm} vs ${other}${mark}`, arm, other);
      return [
        ...compareTo('weft again', 'weft', ' (A/A)'),
        ...compareTo('weft', baseline),
        ...compareTo('weft with no breaker', baseline),
      ];
    }),
};
