import pc from 'picocolors';
import { RULES } from '../architecture/rules/index.ts';
import type { Finding } from '../architecture/rules/rule.ts';
import { TRIAL_RULES } from '../trial/trial-step.ts';

/** How one rule stands. */
export interface RuleVerdict {
  readonly rule: string;
  readonly holds: string;
  /** `unknown`: it is about instances, and none could be looked at. */
  readonly verdict: 'holds' | 'broken' | 'unknown';
}

/** What the rules were put to. */
export interface Looked {
  /** Whether a mesh that is up was looked at. */
  readonly isLive: boolean;
  /** Whether services were stopped to see. */
  readonly isTried: boolean;
}

/** How every rule stands, those of a trial too where there was one. */
export function ruleVerdicts(
  findings: readonly Finding[],
  { isLive, isTried }: Looked,
): RuleVerdict[] {
  const broken = new Set(findings.map(({ rule }) => rule));
  const tried = isTried ? Object.entries(TRIAL_RULES).map(([id, holds]) => ({ id, holds })) : [];
  return [...RULES, ...tried].map((rule) => {
    const isUnknown = 'isLive' in rule && rule.isLive === true && !isLive;
    const held = isUnknown ? 'unknown' : 'holds';
    return {
      rule: rule.id,
      holds: rule.holds,
      verdict: broken.has(rule.id) ? 'broken' : held,
    };
  });
}

/** One line for each rule, under it what breaches it. */
export function rulesReport(
  verdicts: readonly RuleVerdict[],
  findings: readonly Finding[],
  isColored: boolean,
): string {
  const colors = pc.createColors(isColored);
  const marks = {
    holds: colors.green('pass'),
    broken: colors.red('FAIL'),
    unknown: colors.dim('  - '),
  };
  const width = Math.max(...verdicts.map(({ rule }) => rule.length));
  const lines = verdicts.flatMap(({ rule, holds, verdict }) => [
    `${marks[verdict]}  ${rule.padEnd(width)}  ${holds}`,
    ...findings.filter((finding) => finding.rule === rule).map(({ message }) => `      ${message}`),
  ]);
  const held = verdicts.filter(({ verdict }) => verdict === 'holds').length;
  const unknown = verdicts.filter(({ verdict }) => verdict === 'unknown').length;
  const rest = unknown === 0 ? '' : `; ${unknown} can only be told of a mesh that is up`;
  return [...lines, `${held} of ${verdicts.length} rules hold${rest}`].join('\n');
}
