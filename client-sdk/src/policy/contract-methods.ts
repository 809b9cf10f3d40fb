import { unknownName } from '@weft/proto';
import { type Contract, isTsProto, methodNameOf, methodsOf } from '../contract/contract.ts';
import type { Fault, Faults, SettingPath } from './faults.ts';
import { methodKey } from './method-policy.ts';
import type { ServicePolicy } from './service-policy.ts';

/** A method as policies see it. */
export interface ContractMethod {
  /** Its name in the contract: `GetUser`. */
  readonly name: string;
  readonly isIdempotent: boolean;
}

/** The methods of a contract by each name they go by, as `methodKey` writes it. */
export function contractMethods(contract: Contract): Map<string, ContractMethod> {
  const keys = Object.keys(isTsProto(contract) ? contract.methods : contract);
  const methods = new Map<string, ContractMethod>();
  for (const [index, { path, isIdempotent }] of methodsOf(contract).entries()) {
    const name = methodNameOf(path);
    for (const alias of [name, keys[index] ?? name]) {
      methods.set(methodKey(alias), { name, isIdempotent });
    }
  }
  return methods;
}

/** Notes each method that `policy` would have sent twice though its contract does not allow it. */
export function refuseUnsafe(
  { methods = {} }: ServicePolicy,
  known: ReadonlyMap<string, ContractMethod>,
  path: SettingPath,
  faults: Faults,
): void {
  for (const [key, policy] of Object.entries(methods)) {
    const method = known.get(methodKey(key));
    if (method === undefined || method.isIdempotent) continue;
    for (const field of ['retry', 'hedging'] as const) {
      if (!policy[field]) continue;
      faults.add(
        [...path, 'methods', key, field],
        `must be left out: the contract does not mark ${method.name} idempotent (idempotency_level), so it may not be sent twice`,
      );
    }
  }
}

/** The methods that `policy` names and `known` does not have. */
export function unknownMethods(
  { methods = {} }: ServicePolicy,
  known: ReadonlyMap<string, ContractMethod>,
  path: SettingPath,
): Fault[] {
  const names = [...new Set([...known.values()].map(({ name }) => name))];
  return Object.keys(methods)
    .filter((key) => !known.has(methodKey(key)))
    .map((key) => ({
      path: [...path, 'methods', key],
      complaint: unknownName('method of the contract', key, names),
    }));
}
