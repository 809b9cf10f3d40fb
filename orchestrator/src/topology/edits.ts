import { isDeepStrictEqual } from 'node:util';
import type { ServiceSpec, Topology } from './topology.ts';

/** What a restart of a service applies of its description: all that makes its next process. */
const APPLIED = ['command', 'environment', 'health', 'stopTimeoutMs', 'register'] as const;
/** What no running process depends on: `weft verify` reads it from the file. */
const READ_ELSEWHERE: readonly string[] = ['name', 'verify'];

/** What a restart makes of an edited weft.yaml. */
export interface Edits {
  /** What runs after the restart. */
  readonly topology: Topology;
  /** Restarted services that start otherwise than before. */
  readonly applied: readonly string[];
  /** Edits that a restart of another service would apply, such as "services.shop.command". */
  readonly waiting: readonly string[];
  /** Edits that no restart applies, such as "services.shop.port". */
  readonly ignored: readonly string[];
}

function differs(one: unknown, other: unknown): boolean {
  return !isDeepStrictEqual(one, other);
}

/** Keys of a service that were edited. */
function editedKeys(running: ServiceSpec, edited: ServiceSpec): string[] {
  return Object.keys(edited).filter(
    (key) =>
      !READ_ELSEWHERE.includes(key) &&
      differs(running[key as keyof ServiceSpec], edited[key as keyof ServiceSpec]),
  );
}

/**
 * Compares an edited weft.yaml with what runs.
 * @param restarted names of the services that are about to be restarted
 */
export function editsFor(running: Topology, edited: Topology, restarted: readonly string[]): Edits {
  const applied: string[] = [];
  const waiting: string[] = [];
  const ignored: string[] = (['host', 'registry', 'etcd', 'contracts'] as const).filter((key) =>
    differs(running[key], edited[key]),
  );
  const isAnyRestarted = restarted.length > 0;
  const isCallsEdited = differs(running.calls, edited.calls);
  const services = running.services.map((spec) => {
    const after = edited.services.find(({ name }) => name === spec.name);
    if (after === undefined) {
      ignored.push(`services.${spec.name} (removed)`);
      return spec;
    }
    const isRestarted = restarted.includes(spec.name);
    const keys = editedKeys(spec, after);
    const applicable = keys.filter((key) => APPLIED.some((each) => each === key));
    const fresh = isRestarted ? applicable : [];
    if (fresh.length > 0 || (isRestarted && isCallsEdited)) applied.push(spec.name);
    for (const key of keys) {
      if (fresh.includes(key)) continue;
      const list = applicable.includes(key) ? waiting : ignored;
      list.push(`services.${spec.name}.${key}`);
    }
    return { ...spec, ...Object.fromEntries(fresh.map((key) => [key, after[key as 'command']])) };
  });
  for (const { name } of edited.services) {
    const isKnown = running.services.some((spec) => spec.name === name);
    if (!isKnown) ignored.push(`services.${name} (added)`);
  }
  const calls = isAnyRestarted ? edited.calls : running.calls;
  return { topology: { ...running, calls, services }, applied, waiting, ignored };
}

/** Tells the user what a restart made of an edited weft.yaml. */
export function editNotes({ applied, waiting, ignored }: Edits, file: string): string[] {
  const notes: string[] = [];
  if (applied.length > 0) notes.push(`started as ${file} says now: ${applied.join(', ')}`);
  if (waiting.length > 0) {
    notes.push(
      `${file} was edited, and these services were not restarted: ${waiting.join(', ')}; run weft restart for each`,
    );
  }
  if (ignored.length > 0) {
    const isScaled = ignored.some((path) => path.endsWith('.instances'));
    const advice = isScaled
      ? 'run weft scale for instances, and down and up for the rest'
      : 'run down and up';
    notes.push(`${file} was edited, and no restart applies: ${ignored.join(', ')}; ${advice}`);
  }
  return notes;
}
