import { nearestName } from '@weft/proto';
import { BUILT_IN_STRATEGIES, canNameStrategy, checkStrategyName } from '../balancer/strategies.ts';
import { checkServiceName } from '../discovery/service-name.ts';
import type { Faults, SettingPath } from './faults.ts';
import { methodKey } from './method-policy.ts';
import {
  type FieldReaders,
  fieldsOf,
  isTrue,
  ms,
  numberIn,
  orFalse,
  type Reader,
  recordOf,
  textOf,
  wholeNumberIn,
} from './readers.ts';
import type {
  BreakerOptions,
  HedgingOptions,
  MeshPolicies,
  MethodPolicy,
  OutlierEjectionOptions,
  PolicyDefaults,
  RetryBudgetOptions,
  RetryOptions,
  ServicePolicy,
  SitePolicy,
  SubsetOptions,
} from './service-policy.ts';
import { sizeLimitFields } from './size-limit-fields.ts';

/** More calls, or failures, than one process ever has. */
const count = wholeNumberIn(1, 1_000_000);
const attempts = wholeNumberIn(2, 5, "gRPC's cap");

/** A rule: the field `low` is at most `high`, where both are given. */
function ordered<Field extends string>(low: Field, high: Field) {
  return (fields: { [Name in Field]?: number }, path: SettingPath, faults: Faults): void => {
    const [least, most] = [fields[low], fields[high]];
    if (least === undefined || most === undefined || least <= most) return;
    faults.mustBe([...path, high], `at least ${low} (${least})`, most);
  };
}

const retry = fieldsOf<RetryOptions>(
  {
    maxAttempts: attempts,
    initialBackoffMs: ms(),
    maxBackoffMs: ms(),
    backoffMultiplier: numberIn(1, 10),
    perTryTimeoutMs: ms(),
  },
  ordered('initialBackoffMs', 'maxBackoffMs'),
);

const hedging = fieldsOf<HedgingOptions>(
  { maxAttempts: attempts, delayMs: ms() },
  ({ delayMs }, path, faults) => {
    if (delayMs === undefined) faults.add([...path, 'delayMs'], 'is missing; it has no default');
  },
);

const outlierEjection = fieldsOf<OutlierEjectionOptions>(
  {
    intervalMs: ms(),
    minRequests: count,
    stdevFactor: numberIn(0.1, 10),
    consecutiveFailures: count,
    baseEjectionMs: ms(),
    maxEjectionMs: ms(),
    maxEjectedShare: numberIn(0, 0.5),
  },
  ordered('baseEjectionMs', 'maxEjectionMs'),
);

const methodFields: FieldReaders<MethodPolicy> = {
  ...sizeLimitFields,
  defaultDeadlineMs: ms(),
  retry: orFalse(retry),
  hedging: orFalse(hedging),
};

/** Refuses what would have two meanings: an attempt is made on failure, or before it. */
function oneOfBoth(policy: MethodPolicy, path: SettingPath, faults: Faults): void {
  if (policy.retry && policy.hedging) {
    faults.add([...path, 'hedging'], 'must not stand beside retry, which it replaces; set one');
  }
}

const knownStrategy: Reader<string> = (value, path, faults) => {
  if (typeof value === 'string') {
    faults.run(path, (setting) => checkStrategyName(setting, value));
    return value;
  }
  faults.mustBe(path, 'the name of a strategy', value);
};

/**
 * The built-in strategy that `name` misspells. As long as that one, but for a letter: `my_random` is a
 * name to give, `randon` is not.
 */
function misspeltStrategy(name: string): string | undefined {
  if (BUILT_IN_STRATEGIES.includes(name)) return undefined;
  const letters = (text: string) => text.replaceAll(/[-_]/g, '').length;
  const nearest = nearestName(name, BUILT_IN_STRATEGIES);
  if (nearest === undefined) return undefined;
  return Math.abs(letters(nearest) - letters(name)) <= 1 ? nearest : undefined;
}

/** Of another program, which may register strategies that this one does not know. */
const strategyElsewhere: Reader<string> = (value, path, faults) => {
  const meant = typeof value === 'string' ? misspeltStrategy(value) : undefined;
  if (meant !== undefined) {
    const alike = 'one of your own needs a name less like it';
    faults.add(path, `is no strategy of Weft; did you mean ${meant}? (${alike})`);
  } else if (typeof value === 'string' && canNameStrategy(value)) {
    return value;
  } else {
    const known = BUILT_IN_STRATEGIES.join(', ');
    faults.mustBe(path, `one of ${known}, or one that is registered (lower snake case)`, value);
  }
};

/** Header names of gRPC; those that end in -bin hold bytes, `grpc-` is gRPC's own. */
const isHashHeader = (name: string) =>
  /^[a-z0-9_.-]{1,128}$/.test(name) && !name.endsWith('-bin') && !name.startsWith('grpc-');

/** What call sites may set too, besides `methods`. */
const siteFields: FieldReaders<Omit<SitePolicy, 'methods'>> = {
  ...methodFields,
  strategy: knownStrategy,
  hashHeader: textOf(isHashHeader, 'a lower-case header name, not grpc-* nor *-bin'),
  preferZone: isTrue,
};

/** What the call sites of a service share. */
const sharedFields: FieldReaders<Omit<PolicyDefaults, keyof SitePolicy>> = {
  retryBudget: fieldsOf<RetryBudgetOptions>({
    ratio: numberIn(0, 1),
    minPerSecond: numberIn(0, 1000),
  }),
  breaker: fieldsOf<BreakerOptions>({ failures: count, resetMs: ms(), probeTimeoutMs: ms() }),
  outlierEjection: orFalse(outlierEjection),
  panicThreshold: numberIn(0, 1),
  maxInFlightPerInstance: count,
  maxInFlight: count,
  slowStartMs: ms(0),
  subset: orFalse(fieldsOf<SubsetOptions>({ size: count, from: count }, ordered('size', 'from'))),
};

/** Every field of `PolicyDefaults`. */
const defaultsFields: FieldReaders<PolicyDefaults> = { ...siteFields, ...sharedFields };

/** Said of `methods` among what holds for every service: the names of methods belong to one. */
const elsewhere = new Map([
  ['methods', 'must stand under one service: services.<its name>.methods'],
]);

/** An object with these fields and the defaults of every service. */
export function withDefaults<T extends object>(
  others: FieldReaders<T>,
  fields = defaultsFields,
): Reader<T & PolicyDefaults> {
  const readers = { ...others, ...fields } as FieldReaders<T & PolicyDefaults>;
  return fieldsOf<T & PolicyDefaults>(readers, oneOfBoth, elsewhere);
}

function checkMethodName(name: string, path: SettingPath, faults: Faults): void {
  if (/^[A-Za-z_]\w{0,127}$/.test(name)) return;
  faults.add(path, 'is no name of a method, such as GetUser');
}

/** Refuses `GetUser` beside `getUser`: they are one. */
function servicePolicyRule(policy: ServicePolicy, path: SettingPath, faults: Faults): void {
  oneOfBoth(policy, path, faults);
  const names = Object.keys(policy.methods ?? {});
  for (const [index, name] of names.entries()) {
    const twin = names.slice(0, index).find((other) => methodKey(other) === methodKey(name));
    if (twin !== undefined) faults.add([...path, 'methods', name], `is set already, as ${twin}`);
  }
}

const methods = recordOf(checkMethodName, fieldsOf(methodFields, oneOfBoth));

const servicePolicy = (fields: FieldReaders<PolicyDefaults>): Reader<ServicePolicy> =>
  fieldsOf<ServicePolicy>({ ...fields, methods }, servicePolicyRule);

const servicesRecord = (policy: Reader<ServicePolicy>) =>
  recordOf<ServicePolicy>((name, path, faults) => {
    faults.run(path, (setting) => checkServiceName(name, setting));
  }, policy);

/** Reads the policy of one service. */
export const readServicePolicy = servicePolicy(defaultsFields);

/** Said of what only a service has, in the policy of a call site. */
const shared = new Map(
  Object.keys(sharedFields).map((name) => [
    name,
    `belongs to the service, all of whose call sites share it: set services.<name>.${name}, or mesh.configure`,
  ]),
);

/** Reads the policy of one call site. */
export const readSitePolicy: Reader<SitePolicy> = fieldsOf<SitePolicy>(
  { ...siteFields, methods },
  servicePolicyRule,
  shared,
);

/** Reads policies by the service's name. */
export const readServices = servicesRecord(readServicePolicy);

/** Reads a whole configuration of calls, $WEFT_POLICIES, with the strategies of this process. */
export const readPolicies: Reader<MeshPolicies> = fieldsOf<MeshPolicies>({
  defaults: withDefaults<object>({}),
  services: readServices,
});

const fieldsElsewhere = { ...defaultsFields, strategy: strategyElsewhere };

/** Reads the same for other programs, `calls` of weft.yaml: they may have strategies of their own. */
export const readPoliciesElsewhere: Reader<MeshPolicies> = fieldsOf<MeshPolicies>({
  defaults: withDefaults<object>({}, fieldsElsewhere),
  services: servicesRecord(servicePolicy(fieldsElsewhere)),
});
