import type { MethodTraits } from '../contract/contract.ts';
import type { ResolvedPolicy } from '../policy/service-policy.ts';
import { type MethodPlan, planOf } from './method-plan.ts';

/**
 * Plans of the methods that the contracts seen so far tell of, by policy and path. Grows with contracts
 * and policies, not with calls.
 */
export class MethodPlans {
  readonly #traits = new Map<string, MethodTraits>();
  #plans = new WeakMap<ResolvedPolicy, { unknown: MethodPlan; byPath: Map<string, MethodPlan> }>();

  /** Takes note of what a contract says of its methods. */
  learn(methods: readonly MethodTraits[]): void {
    for (const method of methods) this.#traits.set(method.path, method);
    this.#plans = new WeakMap();
  }

  /** What a contract says of a method; undefined when none did. */
  traitsOf(path: string): MethodTraits | undefined {
    return this.#traits.get(path);
  }

  /** The plan of a method; one that no contract told of is called once, with no deadline added. */
  of(policy: ResolvedPolicy, path: string): MethodPlan {
    let plans = this.#plans.get(policy);
    if (plans === undefined) {
      plans = { unknown: planOf(policy, undefined), byPath: new Map() };
      this.#plans.set(policy, plans);
    }
    const known = plans.byPath.get(path);
    if (known !== undefined) return known;
    const traits = this.#traits.get(path);
    if (traits === undefined) return plans.unknown;
    const plan = planOf(policy, traits);
    plans.byPath.set(path, plan);
    return plan;
  }
}
