import type { CheckedDocument, DocumentPath } from './checked-document.ts';
import { MAX_INSTANCES, type ScaleSpec } from './topology.ts';

const KNOWN = ['min', 'max', 'inFlight', 'cpu', 'cooldownMs'];
const MAX_COOLDOWN_MS = 86_400_000;

/** Reads how a service follows its load; undefined when the file does not say. */
export function readScale(
  document: CheckedDocument,
  value: unknown,
  path: DocumentPath,
): ScaleSpec | undefined {
  if (value === undefined || value === null) return undefined;
  const scale = document.mapping(value, path, KNOWN);
  const at = (key: string) => [...path, key];
  const whole = (key: string, min: number, max: number, fallback: number) =>
    document.integer(scale.get(key), at(key), min, max, fallback);
  const min = whole('min', 1, MAX_INSTANCES, 1);
  const max = whole('max', min, MAX_INSTANCES, MAX_INSTANCES);
  if (!scale.has('max')) document.problem(path, 'needs `max`: the most instances there may be');
  const inFlight = document.positive(scale.get('inFlight'), at('inFlight'));
  const cpu = document.positive(scale.get('cpu'), at('cpu'));
  if (scale.has('inFlight') === scale.has('cpu')) {
    document.problem(
      path,
      'needs one of `inFlight` (calls under way) and `cpu` (cores): what each instance is to bear',
    );
  }
  if (cpu !== undefined && process.platform !== 'linux') {
    document.problem(at('cpu'), 'can be measured on Linux only; use `inFlight` here');
  }
  return {
    min,
    max,
    target:
      cpu === undefined ? { kind: 'inFlight', value: inFlight ?? 1 } : { kind: 'cpu', value: cpu },
    cooldownMs: whole('cooldownMs', 0, MAX_COOLDOWN_MS, 60_000),
  };
}
