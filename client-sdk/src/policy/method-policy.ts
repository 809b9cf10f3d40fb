import type { ResolvedMethodPolicy, ResolvedPolicy } from './service-policy.ts';

/** The name a method's policy is kept under: `GetUser`, for `getUser` too, as clients call it. */
export function methodKey(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** What calls of a method go by. @param method its name in the contract, `GetUser` */
export function methodPolicy(policy: ResolvedPolicy, method: string): ResolvedMethodPolicy {
  return policy.methods.get(methodKey(method)) ?? policy;
}
