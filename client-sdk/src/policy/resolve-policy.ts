import { DEFAULT_SIZE_LIMITS } from '@weft/proto';
import { Faults, type SettingPath } from './faults.ts';
import {
  BACKOFF_PAIR,
  EJECTION_PAIR,
  overlay,
  overlayGroup,
  overlayMethod,
  SUBSET_PAIR,
} from './overlay.ts';
import {
  BREAKER_WINDOW_MS,
  BUILT_IN,
  HEDGING,
  OUTLIER_EJECTION,
  RETRY,
  SUBSET,
} from './policy-defaults.ts';
import { readServicePolicy, readSitePolicy } from './policy-fields.ts';
import type { Reader } from './readers.ts';
import type {
  MethodPolicy,
  ResolvedMethodPolicy,
  ResolvedPolicy,
  ServicePolicy,
  SitePolicy,
} from './service-policy.ts';
import { overlaySizeLimits } from './size-limit-fields.ts';

/** A group that is on, with its defaults, frozen; undefined when it is off. */
function filled<Group extends object, Defaults extends Partial<Group>>(
  defaults: Defaults,
  group: Group | false | undefined,
  pair?: readonly [keyof Group, keyof Group],
): (Group & Required<Pick<Group, keyof Defaults & keyof Group>>) | undefined {
  if (!group) return undefined;
  const all = overlayGroup<Group>(defaults as unknown as Group, group, pair);
  return Object.freeze(all) as Group & Required<Pick<Group, keyof Defaults & keyof Group>>;
}

function resolveMethod(policy: MethodPolicy): ResolvedMethodPolicy {
  const hedging = filled(HEDGING, policy.hedging);
  return Object.freeze({
    defaultDeadlineMs: policy.defaultDeadlineMs ?? BUILT_IN.defaultDeadlineMs,
    retry: hedging === undefined ? filled(RETRY, policy.retry, BACKOFF_PAIR) : undefined,
    hedging,
    sizeLimits: Object.freeze(overlaySizeLimits(DEFAULT_SIZE_LIMITS, policy)),
  });
}

/** What comes of checked layers, each over the one before, all over Weft's defaults. Never fails. */
export function resolveLayers(layers: readonly ServicePolicy[]): ResolvedPolicy {
  const merged = layers.reduce<ServicePolicy>(overlay, BUILT_IN);
  const methods = Object.entries(merged.methods ?? {}).map(
    ([name, method]) => [name, resolveMethod(overlayMethod(merged, method))] as const,
  );
  return Object.freeze({
    ...resolveMethod(merged),
    strategy: merged.strategy ?? BUILT_IN.strategy,
    hashHeader: merged.hashHeader,
    retryBudget: Object.freeze({ ...BUILT_IN.retryBudget, ...merged.retryBudget }),
    breaker: Object.freeze({
      ...BUILT_IN.breaker,
      ...merged.breaker,
      windowMs: BREAKER_WINDOW_MS,
    }),
    outlierEjection: filled(OUTLIER_EJECTION, merged.outlierEjection, EJECTION_PAIR),
    panicThreshold: merged.panicThreshold ?? BUILT_IN.panicThreshold,
    maxInFlightPerInstance: merged.maxInFlightPerInstance ?? BUILT_IN.maxInFlightPerInstance,
    maxInFlight: merged.maxInFlight ?? BUILT_IN.maxInFlight,
    slowStartMs: merged.slowStartMs ?? BUILT_IN.slowStartMs,
    subset: filled(SUBSET, merged.subset, SUBSET_PAIR),
    preferZone: merged.preferZone ?? BUILT_IN.preferZone,
    methods: new Map(methods),
  });
}

function checked<T extends object>(
  reader: Reader<T>,
  policy: unknown,
  path: SettingPath,
): T | undefined {
  const faults = new Faults();
  const read = reader(policy, path, faults);
  faults.throwIfAny();
  return read;
}

/**
 * A checked copy of the policy of one service.
 * @param path what it stands under, for errors: `['services', 'user-service']`
 * @throws ConfigError naming every field that cannot be used
 */
export function checkServicePolicy(policy: ServicePolicy, path: SettingPath = []): ServicePolicy {
  return checked(readServicePolicy, policy, path) ?? {};
}

/**
 * A checked copy of the policy of one call site.
 * @param path what it stands under, for errors
 * @throws ConfigError naming every field that cannot be used, those that only the service has too
 */
export function checkSitePolicy(policy: unknown, path: SettingPath = ['policy']): SitePolicy {
  return checked(readSitePolicy, policy, path) ?? {};
}

/**
 * One policy over Weft's defaults, checked.
 * @throws ConfigError naming every field that cannot be used
 */
export function resolvePolicy(policy: ServicePolicy = {}, path: SettingPath = []): ResolvedPolicy {
  return resolveLayers([checkServicePolicy(policy, path)]);
}
