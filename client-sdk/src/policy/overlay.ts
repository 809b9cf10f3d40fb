import { methodKey } from './method-policy.ts';
import type { MethodPolicy, ServicePolicy } from './service-policy.ts';
import { overlaySizeLimits } from './size-limit-fields.ts';

/** Two fields of a group of which the first is at most the second. */
type Pair<Group> = readonly [keyof Group, keyof Group];

/**
 * One group of settings over another, field by field. An inherited half of `pair` that does not fit
 * what `above` sets is moved to it, so that any two layers go together.
 */
export function overlayGroup<Group extends object>(
  below: Group | false | undefined,
  above: Group | false | undefined,
  pair?: Pair<Group>,
): Group | false | undefined {
  if (above === undefined) return below;
  if (!above || !below) return above;
  const merged = { ...below, ...above };
  if (pair === undefined) return merged;
  const [low, high] = pair;
  // Compares false while one of them is undefined.
  if (Number(merged[low]) > Number(merged[high])) {
    if (above[high] === undefined) merged[high] = merged[low];
    else merged[low] = merged[high];
  }
  return merged;
}

export const BACKOFF_PAIR = ['initialBackoffMs', 'maxBackoffMs'] as const;
export const EJECTION_PAIR = ['baseEjectionMs', 'maxEjectionMs'] as const;
export const SUBSET_PAIR = ['size', 'from'] as const;

/** Retries set here silence hedging from below; retries below stay, silenced while hedging is on. */
export function overlayMethod(below: MethodPolicy, above: MethodPolicy): MethodPolicy {
  const silenced = above.retry ? false : below.hedging;
  return {
    defaultDeadlineMs: above.defaultDeadlineMs ?? below.defaultDeadlineMs,
    retry: overlayGroup(below.retry, above.retry, BACKOFF_PAIR),
    hedging: overlayGroup(silenced, above.hedging),
    ...overlaySizeLimits(below, above),
  };
}

function overlayMethods(
  below: ServicePolicy['methods'],
  above: ServicePolicy['methods'],
): ServicePolicy['methods'] {
  const merged = new Map<string, MethodPolicy>();
  for (const [name, policy] of [below, above].flatMap((methods) => Object.entries(methods ?? {}))) {
    merged.set(methodKey(name), overlayMethod(merged.get(methodKey(name)) ?? {}, policy));
  }
  return Object.fromEntries(merged);
}

/** One checked policy over another: the result holds all that either sets. Changes neither. */
export function overlay(below: ServicePolicy, above: ServicePolicy): ServicePolicy {
  const group = <Group extends object>(
    read: (policy: ServicePolicy) => Group | undefined,
  ): Group | undefined => overlayGroup(read(below), read(above)) || undefined;
  return {
    ...below,
    ...above,
    ...overlayMethod(below, above),
    retryBudget: group(({ retryBudget }) => retryBudget),
    breaker: group(({ breaker }) => breaker),
    outlierEjection: overlayGroup(below.outlierEjection, above.outlierEjection, EJECTION_PAIR),
    subset: overlayGroup(below.subset, above.subset, SUBSET_PAIR),
    methods: overlayMethods(below.methods, above.methods),
  };
}
