import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import type { CommandLine } from './command-line.ts';
import type { Bench, Effort } from './harness/bench.ts';
import { consoleReporter } from './harness/console-reporter.ts';
import { goalOf } from './harness/goals.ts';
import type { Row } from './harness/row.ts';
import { tableOf } from './harness/table.ts';

function printMachine({ rounds, isQuick }: Effort): void {
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, ` +
      `load ${load}, ${rounds} rounds${isQuick ? ' (quick: figures say little)' : ''}`,
  );
  console.log('value, baseline: medians; ratio: median of value / baseline, round by round.');
}

interface Outcome {
  readonly rows: readonly Row[];
  readonly hasFailed: boolean;
}

async function runOne(bench: Bench, effort: Effort): Promise<Outcome> {
  const started = performance.now();
  const reporter = consoleReporter(bench.name);
  console.log(`\n## ${bench.name}: ${bench.about}`);
  let rows: readonly Row[] = [];
  try {
    rows = await bench.run(effort, reporter);
  } catch (error) {
    reporter.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  reporter.clear();
  if (rows.length > 0) console.log(tableOf(rows));
  for (const note of reporter.notes) console.log(`- ${note}`);
  for (const failure of reporter.failures) console.log(`- FAILED ${failure}`);
  console.log(`- took ${((performance.now() - started) / 1000).toFixed(0)} s`);
  return { rows, hasFailed: reporter.failures.length > 0 };
}

/** Runs the benches one by one, prints a table for each, writes all rows. Answers the exit code. */
export async function runBenches({ chosen, json, ...effort }: CommandLine): Promise<number> {
  printMachine(effort);
  const rows: Row[] = [];
  const failed: string[] = [];
  for (const bench of chosen) {
    const outcome = await runOne(bench, effort);
    if (outcome.hasFailed) failed.push(bench.name);
    rows.push(...outcome.rows);
    writeFileSync(json, `${JSON.stringify(rows, undefined, 2)}\n`);
  }
  const goals = rows.map(goalOf).filter((goal) => goal !== undefined);
  const met = goals.filter(({ isMet }) => isMet).length;
  console.log(`\n${rows.length} rows in ${json}; ${met} of ${goals.length} goals met`);
  if (failed.length > 0) console.log(`FAILED, at least in part: ${failed.join(', ')}`);
  return failed.length > 0 ? 1 : 0;
}
