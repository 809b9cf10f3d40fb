import { readdirSync, readFileSync } from 'node:fs';

/** Of the counts in /proc: 100 a second wherever Linux runs Node. */
const MS_PER_TICK = 10;

/** Group and CPU time of a process, from the text of its `stat`; see proc(5). */
export function parseStat(stat: string): { group: number; cpuMs: number } {
  // The name in parentheses may hold anything; the fields after it are plain.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [group, user, system] = [fields[2], fields[11], fields[12]].map(Number);
  return { group: group ?? 0, cpuMs: ((user ?? 0) + (system ?? 0)) * MS_PER_TICK };
}

/** CPU time that the process groups led by `pids` have used, in ms; those that are gone are left out. */
export function cpuOfGroups(pids: ReadonlySet<number>): Map<number, number> {
  const used = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { group, cpuMs } = parseStat(readFileSync(`/proc/${name}/stat`, 'utf8'));
      if (pids.has(group)) used.set(group, (used.get(group) ?? 0) + cpuMs);
    } catch {
      // It has ended since.
    }
  }
  return used;
}
