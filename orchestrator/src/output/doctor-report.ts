import pc from 'picocolors';
import type { Finding } from '../doctor/examine.ts';

/** One line for each finding, under it what to do; what is wrong is counted at the end. */
export function doctorReport(findings: readonly Finding[], isColored: boolean): string {
  const colors = pc.createColors(isColored);
  const marks = {
    pass: colors.green('pass'),
    warn: colors.yellow('warn'),
    fail: colors.red('FAIL'),
    skip: colors.dim('  - '),
  };
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, kind, text, advice }) => [
    `${marks[kind]}  ${check.padEnd(width)}  ${text}`,
    ...(advice === undefined ? [] : [`      ${' '.repeat(width)}  -> ${advice}`]),
  ]);
  const count = (kind: Finding['kind']) => findings.filter((one) => one.kind === kind).length;
  return [...lines, `${count('fail')} wrong, ${count('warn')} to look at`].join('\n');
}
