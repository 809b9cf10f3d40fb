import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import type { WatchEntry } from './history.ts';
import type { SoakResult } from './soak.ts';
import type { Finding } from './verify/finding.ts';

const SHOWN = 20;
const AROUND_MS = 2000;

function findingText({ kind, atMs, who, replica, revision, message }: Finding): string {
  const where = replica === undefined ? '' : ` at replica ${replica}`;
  const at = revision === undefined ? '' : `, revision ${revision}`;
  return `${kind}: ${who}${where}, ${atMs} ms${at}: ${message}`;
}

function entryText(entry: WatchEntry): string {
  const { kind } = entry;
  if (kind === 'open')
    return `opens at replica ${entry.replica} from ${entry.from ?? 'a snapshot'}`;
  if (kind === 'end') return `ends: ${entry.reason}`;
  if (kind === 'malformed') return entry.message;
  if (kind === 'snapshot') return `snapshot ${entry.revision} of ${entry.instances.length}`;
  if (kind === 'progress') return `mark ${entry.revision}`;
  const events = entry.events.map(({ type, key, revision }) => `${type} ${key}@${revision}`);
  return `events ${events.join(', ')}`;
}

/** What happened around a finding: faults, etcd's changes, and what the one who found it saw. */
function around({ atMs, who, revision }: Finding, { history }: SoakResult): string[] {
  const isNear = (ms: number) => Math.abs(ms - atMs) <= AROUND_MS;
  const faults = history.disturbances
    .filter((fault) => fault.atMs <= atMs + AROUND_MS && (fault.untilMs ?? atMs) >= atMs - 10_000)
    .map((fault) => ({ ms: fault.atMs, text: `${fault.what} until ${fault.untilMs} ms` }));
  const changes = history.changes
    .filter((change) => isNear(change.atMs) || change.revision === revision)
    .map((change) => ({
      ms: change.atMs,
      text: `etcd: ${change.type} ${change.key}@${change.revision} ${change.content ?? ''}`,
    }));
  const seen = (history.watches.find(({ name }) => name === who)?.entries ?? [])
    .filter((entry) => isNear(entry.atMs))
    .map((entry) => ({ ms: entry.atMs, text: `${who}: ${entryText(entry)}` }));
  return [...faults, ...changes, ...seen]
    .sort((a, b) => a.ms - b.ms)
    .map(({ ms, text }) => `    ${ms} ms  ${text}`);
}

/** What a run found, for people; the first finding with what happened around it. */
export function reportText(result: SoakResult): string {
  const { seed, findings, figures, faults } = result;
  const numbers = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const lines = [`seed ${seed}: ${numbers(figures)}`, `faults: ${numbers(faults) || 'none'}`];
  const [first] = findings;
  if (first === undefined) return [...lines, 'no findings'].join('\n');
  lines.push(`${findings.length} findings`, findingText(first), ...around(first, result));
  lines.push(...findings.slice(1, SHOWN).map(findingText));
  if (findings.length > SHOWN) lines.push(`and ${findings.length - SHOWN} more`);
  return lines.join('\n');
}

/** Writes a history and the logs, one item a line: what it is, and the item. */
export async function writeHistory(file: string, result: SoakResult): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const out = createWriteStream(file);
  const write = (what: string, item: unknown) => out.write(`${JSON.stringify([what, item])}\n`);
  const { history, findings, contents, logs, seed } = result;
  write('seed', seed);
  for (const finding of findings) write('finding', finding);
  contents.forEach((text, index) => {
    write(`c${index}`, text);
  });
  for (const item of history.changes) write('change', item);
  for (const item of history.writes) write('write', item);
  for (const item of history.departures) write('departure', item);
  for (const item of history.disturbances) write('disturbance', item);
  for (const item of history.compactions) write('compaction', item);
  for (const { name, entries } of history.watches) for (const entry of entries) write(name, entry);
  for (const { name, polls } of history.polls) for (const poll of polls) write(name, poll);
  for (const { file: log, text } of logs) for (const line of text.split('\n')) write(log, line);
  out.end();
  await finished(out);
}
