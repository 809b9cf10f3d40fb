import { ConfigError } from '../errors.ts';
import { type Fault, Faults, shown } from './faults.ts';
import { readPolicies } from './policy-fields.ts';
import type { MeshPolicies } from './service-policy.ts';

/** Variable in which `weft up` hands its services the `calls` of weft.yaml, as JSON. */
export const POLICIES_VARIABLE = 'WEFT_POLICIES';

/** All that is wrong with a configuration of calls, none when it can be used. For tools. */
export function policyFaults(policies: unknown): readonly Fault[] {
  const faults = new Faults();
  readPolicies(policies, [], faults);
  return faults.all;
}

/**
 * Reads the text of $WEFT_POLICIES; empty or none stands for no policies.
 * @throws ConfigError naming every field that cannot be used: `$WEFT_POLICIES: services.a.strategy`
 */
export function parsePolicies(text: string | undefined): MeshPolicies {
  if (text === undefined || text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError(`$${POLICIES_VARIABLE}`, 'JSON of { defaults, services }', shown(text));
  }
  const faults = new Faults();
  const policies = readPolicies(value, [], faults) ?? {};
  faults.throwIfAny(`$${POLICIES_VARIABLE}`);
  return policies;
}
