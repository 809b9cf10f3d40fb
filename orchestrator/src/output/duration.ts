const UNITS: readonly [suffix: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** A duration as people say it, in its two largest units: "12 s", "3 m 5 s", "2 d 4 h". */
export function durationText(durationMs: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, durationMs);
  for (const [suffix, ms] of UNITS) {
    const count = Math.floor(rest / ms);
    rest -= count * ms;
    if (count > 0) parts.push(`${count} ${suffix}`);
    if (parts.length > 0 && (count === 0 || parts.length === 2)) break;
  }
  return parts.length > 0 ? parts.join(' ') : '0 s';
}
