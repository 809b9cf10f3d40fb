import { randomUUID } from 'node:crypto';
import { PROTOCOL_KEY } from '@weft/proto';
import { type Instance, InstanceType } from '@weft/proto/registry';
import { fromEnvironment } from '../policy/environment.ts';
import { Faults } from '../policy/faults.ts';
import { fieldsOf, isPlain, type Reader } from '../policy/readers.ts';
import { newInstance, slotLabel } from './new-instance.ts';
import { serveFields } from './serve-fields.ts';
import type { ServeOptions } from './serve-options.ts';

/** Protocol of a program. Only gRPC servers are called through the mesh; all are discovered. */
export type Protocol = 'grpc' | 'http' | 'tcp';

const PROTOCOLS: readonly Protocol[] = ['grpc', 'http', 'tcp'];

/** Options of `mesh.register`. A field that `mesh.serve` has too means the same in both. */
export interface RegisterOptions
  extends Pick<
    ServeOptions,
    | 'name'
    | 'id'
    | 'slot'
    | 'type'
    | 'version'
    | 'zone'
    | 'weight'
    | 'metadata'
    | 'dependencies'
    | 'ttlSeconds'
    | 'acknowledgeMs'
    | 'settleMs'
  > {
  /** Host at which clients reach the program: a name or an IP address, no wildcard or link-local one. */
  host: string;
  /** Port that it listens on. */
  port: number;
  /**
   * Protocol of the program. Before the registry lists a gRPC server it calls the server back: a server that offers
   * grpc.health.v1 must be SERVING. Default grpc.
   */
  protocol?: Protocol;
}

/** Options with every default filled in. */
export interface RegisterConfig {
  readonly instance: Instance;
  readonly isGrpc: boolean;
  readonly ttlSeconds: number;
  readonly acknowledgeMs: number;
  readonly settleMs: number;
}

const protocol: Reader<Protocol> = (value, path, faults) => {
  const known = PROTOCOLS.find((each) => each === value);
  if (known === undefined) faults.mustBe(path, PROTOCOLS.join(', '), value);
  return known;
};

const port: Reader<number> = (value, path, faults) => {
  if (value === 0) faults.add(path, 'must be the port that the program listens on, not 0');
  return serveFields.port(value, path, faults);
};

const { name, advertiseHost: host, id, slot, type, version, zone, weight } = serveFields;
const { metadata, dependencies, ttlSeconds, acknowledgeMs, settleMs } = serveFields;
const readFields = fieldsOf<RegisterOptions>({
  ...{ name, host, port, id, slot, type, version, zone, weight, metadata, dependencies },
  ...{ ttlSeconds, acknowledgeMs, settleMs, protocol },
});

/**
 * Fills in defaults. The caller's object is neither kept nor changed.
 * @throws ConfigError naming every option that cannot be used
 */
export function resolveRegisterOptions(options: RegisterOptions): RegisterConfig {
  const faults = new Faults();
  const read = readFields(options, [], faults);
  for (const field of ['name', 'host', 'port'] as const) {
    if (isPlain(options) && options[field] === undefined) {
      faults.add([field], 'is missing; it has no default');
    }
  }
  faults.throwIfAny();
  const given = read as RegisterOptions;
  const isGrpc = (given.protocol ?? 'grpc') === 'grpc';
  const instance = newInstance({
    id: given.id ?? randomUUID(),
    service: given.name,
    address: { host: given.host, port: given.port },
    type: given.type ?? InstanceType.INSTANCE_TYPE_API,
    version: given.version ?? '',
    zone: given.zone ?? fromEnvironment('WEFT_ZONE', serveFields.zone) ?? '',
    weight: given.weight ?? 1,
    metadata: new Map([
      ...Object.entries(given.metadata ?? {}),
      ...slotLabel(given.slot ?? fromEnvironment('WEFT_SLOT', serveFields.slot)),
      ...(isGrpc ? [] : [[PROTOCOL_KEY, given.protocol ?? ''] as const]),
    ]),
    dependencies: [...(given.dependencies ?? [])],
    healthCheck: undefined,
  });
  return {
    instance,
    isGrpc,
    ttlSeconds: given.ttlSeconds ?? 10,
    acknowledgeMs: given.acknowledgeMs ?? 30_000,
    settleMs: given.settleMs ?? 300,
  };
}
