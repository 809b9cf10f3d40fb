import type { Contract } from '../contract/contract.ts';
import { contractMethods, refuseUnsafe, unknownMethods } from './contract-methods.ts';
import { Faults } from './faults.ts';
import { methodKey } from './method-policy.ts';
import { checkSitePolicy } from './resolve-policy.ts';
import type { SitePolicy } from './service-policy.ts';

/**
 * A checked copy of the policy that a client of `contract` asks for, its methods named as in the
 * contract: the rule of `ContractPolicy`, for callers without types too.
 * @throws ConfigError naming every field that cannot be used, `retry` and `hedging` of a method that
 *   the contract does not mark idempotent and a method that it does not have among them
 */
export function checkContractPolicy(contract: Contract, policy: unknown): SitePolicy {
  const path = ['policy'];
  const checked = checkSitePolicy(policy, path);
  const faults = new Faults();
  const known = contractMethods(contract);
  for (const { path: at, complaint } of unknownMethods(checked, known, path)) {
    faults.add(at, complaint);
  }
  refuseUnsafe(checked, known, path, faults);
  faults.throwIfAny();
  if (checked.methods === undefined) return checked;
  const methods = Object.entries(checked.methods).map(
    ([key, method]) => [known.get(methodKey(key))?.name ?? key, method] as const,
  );
  return { ...checked, methods: Object.fromEntries(methods) };
}
