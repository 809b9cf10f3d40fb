/**
 * `npm run check`: every house rule, one line each, then what breaks them. Exit code 1 on any breach.
 * With words, as in `npm run check -- tsc biome`: only the rules whose names have one of them.
 */
import { breaking } from './check/breaking.ts';
import { direction } from './check/direction.ts';
import { lines, names, notCommitted } from './check/file-rules.ts';
import { lockFile } from './check/lock-file.ts';
import type { Rule, Verdict } from './check/rule.ts';
import { contracts, format, generated, pageTypes, types } from './check/tool-rules.ts';

const rules: Rule[] = [
  format,
  direction,
  types,
  pageTypes,
  contracts,
  breaking,
  generated,
  notCommitted,
  lines,
  names,
  lockFile,
];

/** A rule that cannot be looked at is not a rule that holds. */
async function verdictOf(rule: Rule): Promise<Verdict> {
  try {
    return await rule.check();
  } catch (error) {
    return { breaches: [`could not be checked: ${error}`] };
  }
}

const words = process.argv.slice(2);
const unknown = words.filter((word) => !rules.some(({ name }) => name.includes(word)));
if (unknown.length > 0) {
  console.error(`no house rule has in its name: ${unknown.join(', ')}`);
  process.exit(1);
}
const chosen = rules.filter(({ name }) => {
  return words.length === 0 || words.some((word) => name.includes(word));
});

const verdicts = await Promise.all(chosen.map(verdictOf));
let broken = 0;
for (const [index, { breaches, note }] of verdicts.entries()) {
  const isBroken = breaches.length > 0;
  if (isBroken) broken += 1;
  const remark = note === undefined || isBroken ? '' : `; ${note}`;
  console.log(`${isBroken ? 'FAIL' : 'pass'}  ${chosen[index]?.name}${remark}`);
  for (const line of breaches.join('\n').split('\n')) if (line !== '') console.log(`      ${line}`);
}
console.log(`${chosen.length - broken} of ${chosen.length} house rules hold`);
process.exitCode = broken === 0 ? 0 : 1;
