import { writeFileSync } from 'node:fs';
import { readCommandLine } from './options.ts';
import { reportText, writeHistory } from './report.ts';
import { runSoak } from './soak.ts';

const { json, historyFile, ...options } = readCommandLine(process.argv.slice(2));
const stopper = new AbortController();
// Once: it ends in order, and is verified. Twice: at once.
process.once('SIGINT', () => stopper.abort());
const started = `soak with seed ${options.seed} for ${options.durationMs / 60_000} minutes`;
console.log(started);
const result = await runSoak({ ...options, signal: stopper.signal, onProgress: console.log });
console.log(reportText(result));
const { seed, findings, figures, faults } = result;
const hasFailed = findings.length > 0;
const file = historyFile ?? (hasFailed ? `.cache/soak/seed-${seed}.jsonl` : undefined);
if (file !== undefined) {
  await writeHistory(file, result);
  console.log(`history in ${file}; the same again: npm run soak -- --seed ${seed}`);
}
if (json !== undefined) {
  writeFileSync(json, `${JSON.stringify({ seed, figures, faults, findings }, undefined, 2)}\n`);
}
process.exit(hasFailed ? 1 : 0);
