import { createHash } from 'node:crypto';

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * A digest of all that a process is started with, the same whatever order its fields stand in: what has
 * another one is another program. It holds no secret in the clear.
 */
export function specificationOf(program: object): string {
  return createHash('sha256').update(JSON.stringify(program, sorted)).digest('hex').slice(0, 32);
}
