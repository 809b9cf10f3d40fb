import { type MeshPolicies, policyFaults } from '@weft/client-sdk';
import { unknownName } from '@weft/proto';
import type { CheckedDocument } from './checked-document.ts';
import { plainValue } from './plain-value.ts';

/** What one variable of the environment can hold everywhere, less its name. */
const MAX_BYTES = 100_000;

/**
 * Reads `calls`: how the services of this mesh call each other, in the words of the SDK, which checks
 * every field. What depends on the code of the services is theirs to check when they start: which
 * methods a contract has and marks idempotent (a name such as `user-service` does not tell the
 * contract), and which strategies are registered besides the built-in ones.
 * @param services names of the services of the file
 */
export function readCalls(
  document: CheckedDocument,
  value: unknown,
  services: readonly string[],
): MeshPolicies | undefined {
  const calls = document.mapping(value, ['calls'], ['defaults', 'services']);
  // A section of which everything is commented out is an empty one.
  const defaults = calls.get('defaults') ?? undefined;
  const byService = calls.get('services') ?? undefined;
  if (defaults === undefined && byService === undefined) return undefined;
  const policies = plainValue(
    new Map(Object.entries({ defaults, services: byService })),
    ['calls'],
    (item, path) => document.typed(item, path),
  );
  for (const { path, complaint } of policyFaults(policies)) {
    document.problem(['calls', ...path], complaint);
  }
  if (byService instanceof Map) {
    for (const name of [...byService.keys()].map(String)) {
      if (services.includes(name)) continue;
      document.problem(['calls', 'services', name], unknownName('service here', name, services));
    }
  }
  if (Buffer.byteLength(JSON.stringify(policies)) > MAX_BYTES) {
    document.problem(['calls'], `must not be longer than ${MAX_BYTES} bytes as JSON`);
  }
  return policies as MeshPolicies;
}
