import { hostProblem, INSTANCE_ID, messageOf, type Route, reflectedContracts } from '@weft/proto';
import { InstanceType } from '@weft/proto/registry';
import { Faults, type SettingPath } from '../policy/faults.ts';
import {
  type FieldReaders,
  fieldsOf,
  isFunction,
  isPlain,
  isTrue,
  listOf,
  numberIn,
  type Reader,
  recordOf,
  serviceName,
  shortText,
  textOf,
  timerMs,
  wholeNumberIn,
} from '../policy/readers.ts';
import { limitFields } from './serve-limits.ts';
import type { ServeOptions } from './serve-options.ts';

const LONGEST_ZONE = 63;
const LONGEST_VERSION = 64;
const LONGEST_SLOT = 128;
const LONGEST_LABEL_KEY = 128;
const LONGEST_LABEL = 4096;
const MOST_DEPENDENCIES = 64;

const host = textOf(
  (text) => /^[^\s/]{1,253}$/.test(text),
  'a host name or an address, such as 127.0.0.1',
);

/** The registry checks the same rule. A service that breaks it would never be listed. */
const advertiseHost: Reader<string> = (value, path, faults) => {
  const read = host(value, path, faults);
  const problem = read === undefined ? undefined : hostProblem(read);
  if (problem === undefined) return read;
  faults.add(path, problem);
};

/** A route is kept as it is: its implementation may be of a class. */
const route: Reader<Route> = (value, path, faults) => {
  const { definition, implementation } = Object(value) as Partial<Route>;
  const isContract = typeof Object(definition).fullName === 'string';
  if (isContract && Object(implementation) === implementation) return value as Route;
  faults.mustBe(path, 'made by route(SomeServiceDefinition, handlers)', value);
};

/** A handler that is missing is no fault: calls of its method return UNIMPLEMENTED. */
function checkHandlers({ definition, implementation }: Route, path: SettingPath, faults: Faults) {
  const handlers = implementation as Partial<Record<string, unknown>>;
  for (const key of Object.keys(Object(definition.methods))) {
    const handler = handlers[key] ?? undefined;
    if (handler === undefined || typeof handler === 'function') continue;
    faults.mustBe([...path, 'implementation', key], 'a function', handler);
  }
}

/** Every server of the mesh offers these itself. */
const builtIn =
  /^(grpc\.health\.v1\.Health|grpc\.reflection\.v1(alpha)?\.ServerReflection|weft\.peer\.v1\.PeerService)$/;

const allRoutes = listOf(route, 'a list of routes');
const routes: Reader<readonly Route[]> = (value, path, faults) => {
  if (Array.isArray(value) && value.length === 0) {
    faults.add(path, 'must have at least one route; an empty list serves nothing');
    return;
  }
  const read = allRoutes(value, path, faults);
  const seen = new Set<string>();
  for (const [index, each] of (read ?? []).entries()) {
    if (each === undefined) continue;
    const place = [...path, String(index)];
    const { fullName } = each.definition;
    checkHandlers(each, place, faults);
    if (seen.has(fullName)) faults.add(place, `offers ${fullName} again; name each service once`);
    if (builtIn.test(fullName)) faults.add(place, `is ${fullName}, which Weft offers itself`);
    seen.add(fullName);
  }
  return read;
};

const types = Object.entries(InstanceType).filter(([, value]) => Number(value) >= 0);
const typeNames = types.map(([name, value]) => `${value} (${name})`).join(', ');
const type: Reader<InstanceType> = (value, path, faults) => {
  const known = types.find(([, each]) => each === value);
  if (known !== undefined) return known[1];
  faults.mustBe(path, `an InstanceType, which is a number: ${typeNames}`, value);
};

function checkLabelKey(key: string, path: SettingPath, faults: Faults): void {
  if (key.startsWith('weft.')) {
    faults.add(path, "is reserved: labels that start with weft. are Weft's own");
  } else if (key === '' || key.length > LONGEST_LABEL_KEY || /\p{Cc}/u.test(key)) {
    faults.add(path, `is no label: 1 to ${LONGEST_LABEL_KEY} printable characters`);
  }
}

const label = textOf(
  (text) => text.length <= LONGEST_LABEL,
  `text of at most ${LONGEST_LABEL} characters`,
);

const allDependencies = listOf(serviceName, 'a list of names of services');
const dependencies: Reader<readonly string[]> = (value, path, faults) => {
  if (Array.isArray(value) && value.length > MOST_DEPENDENCIES) {
    faults.add(path, `must be at most ${MOST_DEPENDENCIES} names, not ${value.length}`);
  }
  return allDependencies(value, path, faults);
};

const descriptorSet: Reader<Uint8Array> = (value, path, faults) => {
  if (ArrayBuffer.isView(value)) return value as Uint8Array;
  faults.mustBe(path, 'the bytes of a compiled contract (Uint8Array)', value);
};

const allDescriptorSets = listOf(descriptorSet, 'a list of compiled contracts');
const descriptorSets: Reader<readonly Uint8Array[]> = (value, path, faults) => {
  const read = allDescriptorSets(value, path, faults);
  if (read === undefined || read.includes(undefined as never)) return read;
  try {
    reflectedContracts(read);
  } catch (error) {
    faults.add(path, `cannot be used: ${messageOf(error)}`);
  }
  return read;
};

const checkedService = fieldsOf<{ service: string }>(
  {
    service: textOf((text) => /^[\w.]{1,253}$/.test(text), 'the full name of a gRPC service'),
  },
  ({ service }, path, faults) => {
    if (service === undefined)
      faults.add([...path, 'service'], 'is missing; true checks the server');
  },
);
const healthCheck: Reader<boolean | { service: string }> = (value, path, faults) => {
  if (typeof value === 'boolean') return value;
  if (isPlain(value)) return checkedService(value, path, faults);
  faults.mustBe(path, 'true, false or { service }', value);
};

/** Reads every field of `ServeOptions`; what the registry would refuse for ever is refused here. */
export const serveFields: FieldReaders<ServeOptions> = {
  ...limitFields,
  name: serviceName,
  routes,
  host,
  port: wholeNumberIn(0, 65_535),
  advertiseHost,
  advertisePort: wholeNumberIn(1, 65_535),
  id: textOf((text) => INSTANCE_ID.pattern.test(text), INSTANCE_ID.mustBe),
  slot: shortText(1, LONGEST_SLOT),
  type,
  version: shortText(0, LONGEST_VERSION),
  zone: shortText(0, LONGEST_ZONE),
  weight: numberIn(0, 1_000_000),
  metadata: recordOf(checkLabelKey, label),
  dependencies,
  ttlSeconds: wholeNumberIn(2, 3600),
  drainMs: timerMs(0),
  acknowledgeMs: timerMs(0),
  settleMs: timerMs(0),
  healthCheck,
  metricsPort: wholeNumberIn(0, 65_535),
  descriptorSets,
  handleSignals: isTrue,
  onClose: isFunction,
  onCloseTimeoutMs: timerMs(0),
};

const readFields = fieldsOf<ServeOptions>(serveFields);

/** @throws ConfigError naming every option that is wrong or missing */
export function readServeOptions(options: unknown): ServeOptions {
  const faults = new Faults();
  const read = readFields(options, [], faults);
  const given: Partial<ServeOptions> | undefined = isPlain(options) ? options : undefined;
  for (const field of ['name', 'routes'] as const) {
    if (given !== undefined && given[field] === undefined) {
      faults.add([field], 'is missing; it has no default');
    }
  }
  faults.throwIfAny();
  return read as ServeOptions;
}
