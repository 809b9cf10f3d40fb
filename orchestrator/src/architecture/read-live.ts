import { addressText, clientTransport, isGrpcServer, messageOf } from '@weft/proto';
import { type Instance, InstanceStatus, RegistryServiceDefinition } from '@weft/proto/registry';
import { TelemetryServiceDefinition } from '@weft/proto/telemetry';
import { type Channel, createChannel, createClient } from 'nice-grpc';
import { OrchestratorError } from '../errors.ts';
import { readDump } from '../registry-dump/read-dump.ts';
import type { LiveCall, LiveFacts, LiveInstance } from './live-facts.ts';
import { readOffers } from './read-offers.ts';

const TIMEOUT_MS = 5000;
/** Instances asked at once. */
const AT_ONCE = 16;

/** The interface of a method: `user.v1.UserService` of `/user.v1.UserService/GetUser`. */
function interfaceOf(method: string): string {
  return method.split('/')[1] ?? '';
}

/** What an instance says it offers; undefined when it could not be asked. */
export type OffersReader = (instance: Instance) => Promise<readonly string[] | undefined>;

/** Asks by reflection. */
export const askOffers: OffersReader = ({ address }) =>
  readOffers(addressText(address), TIMEOUT_MS);

async function liveInstance(instance: Instance, offersOf: OffersReader): Promise<LiveInstance> {
  const { id, service, version, dependencies, status } = instance;
  const address = addressText(instance.address);
  const isRunning = status === InstanceStatus.INSTANCE_STATUS_RUNNING;
  const offers = isRunning && isGrpcServer(instance) ? await offersOf(instance) : undefined;
  return { id, service, version, dependencies, address, ...(offers ? { offers } : {}) };
}

async function readInstances(channel: Channel, offersOf: OffersReader): Promise<LiveInstance[]> {
  const { instances } = await readDump(createClient(RegistryServiceDefinition, channel));
  const live: LiveInstance[] = [];
  for (let start = 0; start < instances.length; start += AT_ONCE) {
    const some = instances.slice(start, start + AT_ONCE);
    live.push(...(await Promise.all(some.map((instance) => liveInstance(instance, offersOf)))));
  }
  return live;
}

async function readTraffic(channel: Channel): Promise<LiveCall[]> {
  const client = createClient(TelemetryServiceDefinition, channel);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    for await (const { details } of client.watchTraffic({ detailed: true }, { signal })) {
      return details
        .map(({ caller, method, service }) => ({
          caller: caller?.service ?? '',
          interface: interfaceOf(method),
          provider: service,
        }))
        .filter(({ caller }) => caller !== '');
    }
  } catch (error) {
    throw new OrchestratorError(`the registry does not tell its traffic: ${messageOf(error)}`);
  }
  return [];
}

async function withChannel<T>(registry: string, use: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = createChannel(registry, undefined, clientTransport);
  try {
    return await use(channel);
  } finally {
    channel.close();
  }
}

/**
 * A mesh as its registry lists it, as each instance says itself, and as it was called in the last seconds.
 * @param offersOf asks an instance what it offers; default: each anew, by reflection
 * @throws OrchestratorError when the registry cannot be read
 */
export function readLive(registry: string, offersOf = askOffers): Promise<LiveFacts> {
  return withChannel(registry, async (channel) => {
    const [instances, calls] = await Promise.all([
      readInstances(channel, offersOf),
      readTraffic(channel),
    ]);
    return { instances, calls };
  });
}

/**
 * The calls of the last seconds alone.
 * @throws OrchestratorError when the registry cannot be read
 */
export function readLiveCalls(registry: string): Promise<LiveCall[]> {
  return withChannel(registry, readTraffic);
}
