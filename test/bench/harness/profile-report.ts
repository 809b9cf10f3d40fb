import { mkdirSync, writeFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector/promises';
import { join } from 'node:path';
import type { ClosedLoopResult } from '../processes/client.ts';
import type { Effort, Reporter } from './bench.ts';
import type { Worker } from './processes.ts';
import { functionTimes, groupTimes } from './profile.ts';

const CONCURRENCY = 32;
const GROUPS = 10;
const FUNCTIONS = 25;

/**
 * Notes where the CPU time of one call goes in each arm, by package; with a profile folder also the
 * functions that take most, and writes the profiles there for Chrome or VS Code.
 */
export async function reportProfiles(
  names: readonly string[],
  clients: ReadonlyMap<string, Worker>,
  { isQuick, profileFolder }: Effort,
  reporter: Reporter,
): Promise<void> {
  for (const name of names) {
    const client = clients.get(name);
    if (client === undefined) continue;
    reporter.progress(`profiling ${name}`);
    await client.ask('startProfile');
    const ms = isQuick ? 600 : 1500;
    const { calls } = await client.ask<ClosedLoopResult>('closedLoop', {
      concurrency: CONCURRENCY,
      ms,
    });
    const profile = await client.ask<Profiler.Profile>('stopProfile');
    const functions = functionTimes(profile);
    const perCall = (us: number) => `${(us / calls).toFixed(1)}`;
    const total = functions.reduce((sum, { selfUs }) => sum + selfUs, 0);
    const groups = groupTimes(functions)
      .slice(0, GROUPS)
      .map(([group, us]) => `${group} ${perCall(us)}`)
      .join(', ');
    reporter.note(`${name} c${CONCURRENCY}, profiled, us/call: ${perCall(total)} = ${groups}`);
    if (profileFolder === undefined) continue;
    mkdirSync(profileFolder, { recursive: true });
    const file = join(profileFolder, `${name.replaceAll(/[^a-z0-9]+/g, '-')}.cpuprofile`);
    writeFileSync(file, JSON.stringify(profile));
    const lines = functions
      .slice(0, FUNCTIONS)
      .map((each) => `    ${perCall(each.selfUs).padStart(6)}  ${each.group}  ${each.name}`);
    reporter.note(`${file}; functions of ${name}, us/call:\n${lines.join('\n')}`);
  }
}
