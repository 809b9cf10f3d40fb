import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/tools/program.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { readCommandLine } from './command-line.ts';
import { type Mutant, mutantsOf } from './mutations.ts';
import { RelatedTests } from './related-tests.ts';
import { endOnSignals, firstFailure } from './run-tests.ts';
import { ScratchCopy } from './scratch-copy.ts';

const SOURCES = /^(proto|registry|client-sdk|orchestrator|services\/\w+)\/src\//;

/** Tests that start no processes and tests that do, the cheap ones first. */
const STAGES = [/^test\/(unit|contract)\//, /^test\/integration\//] as const;

/** Test files in the runs of Jest for one mutant. The nearest test comes first, and notices most mutants. */
const BATCHES = [1, 3, 8];

interface Verdict extends Mutant {
  /** The test that failed, `timeout`, or undefined: nobody noticed. */
  readonly noticedBy: string | undefined;
  readonly stage: 'unit' | 'integration' | undefined;
}

const { seed, count, only, mostTests, isUnitOnly } = readCommandLine(process.argv.slice(2));
using copy = await ScratchCopy.create();
const { folder } = copy;
endOnSignals(() => copy[Symbol.dispose]());
const related = new RelatedTests(folder, copy.files);
const sources = copy.files.filter((path) => SOURCES.test(path) && path.startsWith(only));
const random = seededRandom(seed);
const all = sources.flatMap((path) => mutantsOf(path, copy.read(path)));
const chosen = Array.from({ length: Math.min(count, all.length) }, () => {
  return all.splice(Math.floor(random() * all.length), 1)[0] as Mutant;
});
console.log(`${chosen.length} of ${chosen.length + all.length} mutants of ${sources.length} files`);

/** Whether test files pass without a mutant: one that does not cannot notice any. */
const passing = new Map<string, boolean>();
async function passesAlone(test: string): Promise<boolean> {
  const passes = passing.get(test) ?? (await firstFailure(folder, [test])) === undefined;
  passing.set(test, passes);
  if (!passes) console.log(`${test} fails without a mutant too: left out`);
  return passes;
}

/** Whether a test that failed notices the mutant: it fails again, and passes without the mutant. */
async function confirms(mutant: Mutant, test: string): Promise<boolean> {
  if (!test.startsWith('test/')) return true;
  if (!(await passesAlone(test))) return false;
  return (await copy.with(mutant, () => firstFailure(folder, [test]))) !== undefined;
}

async function noticedIn(mutant: Mutant, tests: readonly string[]): Promise<string | undefined> {
  const left = tests.filter((test) => passing.get(test) !== false).slice(0, mostTests);
  for (let run = 0; left.length > 0; run += 1) {
    let batch = left.splice(0, BATCHES[run] ?? BATCHES.at(-1));
    while (batch.length > 0) {
      const failed = await copy.with(mutant, () => firstFailure(folder, batch));
      if (failed === undefined) break;
      if (await confirms(mutant, failed)) return failed;
      batch = batch.filter((test) => test !== failed);
    }
  }
  return undefined;
}

async function verdictOn(mutant: Mutant): Promise<Verdict> {
  const tests = related.of(mutant.file);
  const stages = isUnitOnly ? STAGES.slice(0, 1) : STAGES;
  for (const [index, pattern] of stages.entries()) {
    const noticedBy = await noticedIn(
      mutant,
      tests.filter((test) => pattern.test(test)),
    );
    const stage = index === 0 ? 'unit' : 'integration';
    if (noticedBy !== undefined) return { ...mutant, noticedBy, stage };
  }
  return { ...mutant, noticedBy: undefined, stage: undefined };
}

const shown = (code: string) => code.trim().replaceAll(/\s+/g, ' ').slice(0, 60) || 'nothing';
const verdicts: Verdict[] = [];
const report = join(root, '.cache', 'mutants', `seed-${seed}.json`);
mkdirSync(join(root, '.cache', 'mutants'), { recursive: true });
for (const mutant of chosen) {
  const verdict = await verdictOn(mutant);
  verdicts.push(verdict);
  writeFileSync(report, `${JSON.stringify(verdicts, undefined, 2)}\n`);
  const { file, line, original, replacement, noticedBy } = verdict;
  const change = `${file}:${line}: ${shown(original)} -> ${shown(replacement)}`;
  console.log(`${noticedBy === undefined ? 'SURVIVED' : 'noticed '} ${change}  ${noticedBy ?? ''}`);
}

const share = (noticed: number) =>
  `${noticed} (${((100 * noticed) / verdicts.length).toFixed(0)}%)`;
const inUnit = verdicts.filter(({ stage }) => stage === 'unit').length;
const inAll = verdicts.filter(({ stage }) => stage !== undefined).length;
console.log(`of ${verdicts.length} mutants, unit and contract tests notice ${share(inUnit)}`);
if (!isUnitOnly) console.log(`with integration tests ${share(inAll)}`);
console.log(`all verdicts: ${report}`);
