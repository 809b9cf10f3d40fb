import type { Contract } from '../contract/contract.ts';
import { checkServiceName } from '../discovery/service-name.ts';
import {
  type ContractMethod,
  contractMethods,
  refuseUnsafe,
  unknownMethods,
} from './contract-methods.ts';
import { Faults, type SettingPath, settingText } from './faults.ts';
import { readServicePolicy } from './policy-fields.ts';
import { resolveLayers } from './resolve-policy.ts';
import type { MeshPolicies, ResolvedPolicy, ServicePolicy, SitePolicy } from './service-policy.ts';

/** Checked policies, and what they were read from when not from code, as errors name it. */
export interface PolicySource {
  readonly name?: string;
  readonly policies: MeshPolicies;
}

/** What is known of one service. */
interface Entry {
  /** Its own policies: from each source, then the one set since; with what they were read from. */
  readonly layers: (readonly [source: string, policy: ServicePolicy])[];
  live: ServicePolicy;
  /** Methods of the contracts that it is called by. */
  readonly methods: Map<string, ContractMethod>;
  /** Undefined until asked for, and after a change. */
  resolved: ResolvedPolicy | undefined;
}

/** A sentence for each method that a policy names and `known` does not have. */
function unknownSentences(
  source: string,
  policy: ServicePolicy,
  known: ReadonlyMap<string, ContractMethod>,
  path: SettingPath,
): string[] {
  return unknownMethods(policy, known, path).map(({ path: at, complaint }) =>
    [source && `${source}:`, settingText(at), complaint].filter(Boolean).join(' '),
  );
}

/**
 * The policies of a mesh: what code and environment said at the start, and what was set since.
 *
 * What stands for one service stands over what stands for all. Within each of these two, the
 * environment stands over code (who runs a program has the last word over who wrote it), and what was
 * set since over both; always field by field.
 */
export class PolicyBook {
  readonly #defaults: readonly ServicePolicy[];
  readonly #sources: readonly { name: string; services: ReadonlyMap<string, ServicePolicy> }[];
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(service: string) => void>();
  #version = 0;

  /** @param sources the later over the earlier; a client's own policy goes over the first, code's */
  constructor(sources: readonly PolicySource[]) {
    this.#defaults = sources.map(({ policies }) => policies.defaults ?? {});
    this.#sources = sources.map(({ name = '', policies }) => ({
      name,
      services: new Map(Object.entries(policies.services ?? {})),
    }));
  }

  /** Another number after each change. */
  get version(): number {
    return this.#version;
  }

  /**
   * What calls to a service go by now. The same object until something changes. Never fails.
   * @param own what one client of it asks for, checked: over what code says of the service, under
   *   what the environment says
   */
  policyOf(service: string, own?: SitePolicy): ResolvedPolicy {
    const entry = this.#entry(service);
    if (own !== undefined) return this.#resolve(entry, own);
    entry.resolved ??= this.#resolve(entry, {});
    return entry.resolved;
  }

  /**
   * Sets the policy of a service from now on, over all that was said at the start; what an earlier
   * `set` said and this one does not say no longer holds, and `{}` takes all of it back. Listeners
   * are told. The caller's object may change afterwards.
   * @returns what it names though no contract seen so far has it, as `learn` does
   * @throws ConfigError naming every field that cannot be used; everything then stays as it was
   */
  set(service: string, policy: ServicePolicy): string[] {
    checkServiceName(service);
    const path = ['services', service];
    const faults = new Faults();
    const live = readServicePolicy(policy, path, faults) ?? {};
    const entry = this.#entry(service);
    refuseUnsafe(live, entry.methods, path, faults);
    faults.throwIfAny();
    entry.live = live;
    entry.resolved = undefined;
    this.#version += 1;
    for (const listener of [...this.#listeners]) listener(service);
    return entry.methods.size === 0 ? [] : unknownSentences('', live, entry.methods, path);
  }

  /**
   * Tells of a contract that a service is called by.
   * @returns what policies of the service name though no contract of it seen so far has it, a
   *   sentence each: worth a warning, as another contract may still come
   * @throws ConfigError when a policy of the service would have a method sent twice that the
   *   contract does not mark idempotent; the contract is then not taken
   */
  learn(service: string, contract: Contract): string[] {
    const entry = this.#entry(service);
    const methods = contractMethods(contract);
    const path = ['services', service];
    const layers = [...entry.layers, ['', entry.live] as const];
    for (const [source, policy] of layers) {
      const faults = new Faults();
      refuseUnsafe(policy, methods, path, faults);
      faults.throwIfAny(source);
    }
    for (const [name, method] of methods) entry.methods.set(name, method);
    return layers.flatMap(([source, policy]) =>
      unknownSentences(source, policy, entry.methods, path),
    );
  }

  /**
   * @param listener told after each change with the name of the service; must not throw
   * @returns ends it
   */
  onChange(listener: (service: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #resolve({ layers: [code, ...others], live }: Entry, own: SitePolicy): ResolvedPolicy {
    const later = others.map(([, policy]) => policy);
    return resolveLayers([...this.#defaults, code?.[1] ?? {}, own, ...later, live]);
  }

  #entry(service: string): Entry {
    let entry = this.#entries.get(service);
    if (entry === undefined) {
      const layers = this.#sources.map(
        ({ name, services }) => [name, services.get(service) ?? {}] as const,
      );
      entry = { layers, live: {}, methods: new Map(), resolved: undefined };
      this.#entries.set(service, entry);
    }
    return entry;
  }
}
