import { ConfigError } from '../errors.ts';
import { type Fault, Faults, shown } from './faults.ts';
import { readPolicies, readPoliciesElsewhere } from './policy-fields.ts';
import type { MeshPolicies } from './service-policy.ts';

/** Variable in which `weft up` hands its services the `calls` of weft.yaml, as JSON. */
export const POLICIES_VARIABLE = 'WEFT_POLICIES';

/** What errors name as the place of a policy that came in the variable. */
export const POLICIES_SOURCE = `$${POLICIES_VARIABLE} (calls of weft.yaml)`;

/**
 * All that a tool can find wrong with a configuration of calls for other programs, none when it may be
 * used. What only those programs know, they check themselves: the strategies that they register, and,
 * where they make a client, the methods of its contract.
 */
export function policyFaults(policies: unknown): readonly Fault[] {
  const faults = new Faults();
  readPoliciesElsewhere(policies, [], faults);
  return faults.all;
}

/**
 * Reads the text of $WEFT_POLICIES; empty or none stands for no policies.
 * @throws ConfigError naming every field that cannot be used, after `POLICIES_SOURCE`
 */
export function parsePolicies(text: string | undefined): MeshPolicies {
  if (text === undefined || text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError(POLICIES_SOURCE, 'JSON of { defaults, services }', shown(text));
  }
  const faults = new Faults();
  const policies = readPolicies(value, [], faults) ?? {};
  faults.throwIfAny(POLICIES_SOURCE);
  return policies;
}
