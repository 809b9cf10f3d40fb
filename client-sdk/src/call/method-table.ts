import type { MethodTraits } from '../contract/contract.ts';

/** What the contracts seen so far say of their methods, by path. Grows with contracts, not with calls. */
export class MethodTable {
  readonly #methods = new Map<string, MethodTraits>();

  learn(methods: readonly MethodTraits[]): void {
    for (const method of methods) this.#methods.set(method.path, method);
  }

  /** Traits of a method, undefined when no contract told of it. */
  get(path: string): MethodTraits | undefined {
    return this.#methods.get(path);
  }
}
