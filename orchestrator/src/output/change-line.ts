import type { Instance } from '@weft/proto/registry';
import type { InstanceChange } from '../mesh-view/instance-set.ts';
import { clock } from './clock.ts';
import { addressOf, healthName, statusName } from './instances-table.ts';

const SHOWN: readonly [what: string, of: (instance: Instance) => string][] = [
  ['status', statusName],
  ['health', healthName],
  ['weight', ({ weight }) => String(weight ?? 1)],
  ['address', addressOf],
  ['version', ({ version }) => version || '-'],
  ['zone', ({ zone }) => zone || '-'],
];

const labels = ({ metadata }: Instance) => JSON.stringify([...metadata].sort());

/** What differs between two states of an instance: `status RUNNING -> STOPPING`. */
export function differences(before: Instance, instance: Instance): string[] {
  const told = SHOWN.flatMap(([what, of]) => {
    const [was, is] = [of(before), of(instance)];
    return was === is ? [] : [`${what} ${was} -> ${is}`];
  });
  if (labels(before) !== labels(instance)) told.push('metadata');
  if (before.leaseId !== instance.leaseId) told.push('registered again');
  return told;
}

function what({ kind, instance, before }: InstanceChange): string {
  if (before !== undefined) return differences(before, instance).join(', ') || 'renewed';
  if (kind === 'REMOVED') return '';
  return `at ${addressOf(instance)}, ${statusName(instance)}`;
}

/** A change as a line for people. */
export function changeLine(change: InstanceChange, nowMs: number): string {
  const { service, id } = change.instance;
  return `${clock(nowMs)} ${change.kind.padEnd(7)} ${service}/${id}  ${what(change)}`.trimEnd();
}
