import { clientTransport, weftVersion } from '@weft/proto';
import { PeerServiceDefinition } from '@weft/proto/peer';
import type { ListServicesResponse } from '@weft/proto/registry';
import { ClientError, createChannel, createClient, Status } from 'nice-grpc';
import { firstOf, type RegistryAccess, registryFailure } from '../commands/ask-registry.ts';
import { OrchestratorError } from '../errors.ts';
import { answersServing } from '../slot/grpc-health.ts';
import { type Check, type Diagnosis, fail, pass, skip, warn } from './check.ts';

const ANSWER_MS = 2000;
/** Clocks this far apart make logs, traces and events hard to read together. */
const APART_MS = 1000;

/** Version of Weft at an address; empty where it knows of none, undefined where it did not answer. */
async function versionAt(address: string): Promise<string | undefined> {
  const channel = createChannel(address, undefined, clientTransport);
  try {
    const client = createClient(PeerServiceDefinition, channel);
    const signal = AbortSignal.timeout(ANSWER_MS);
    return (await client.identify({}, { signal })).weftVersion;
  } catch (error) {
    const isUnknown = error instanceof ClientError && error.code === Status.UNIMPLEMENTED;
    return isUnknown ? '' : undefined;
  } finally {
    channel.close();
  }
}

/** A word of the registry, or why there is none. */
export async function summaryOf({
  registry,
  address,
}: RegistryAccess): Promise<ListServicesResponse | OrchestratorError> {
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    return await registry.listServices({ pageSize: 1 }, { signal });
  } catch (error) {
    return registryFailure(error, address);
  }
}

/** How far the clock of another is ahead of ours, and how wrong that may be, in ms. */
export function clockDifference(
  theirs: number,
  { askedAt, answeredAt }: { askedAt: number; answeredAt: number },
): { aheadMs: number; withinMs: number } {
  const withinMs = (answeredAt - askedAt) / 2;
  return { aheadMs: theirs - (askedAt + withinMs), withinMs };
}

function clockDiagnosis(aheadMs: number, withinMs: number): Diagnosis {
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  if (Math.abs(aheadMs) - withinMs <= APART_MS) return pass('its clock and ours agree');
  return warn(
    `its clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} ours`,
    'set both by NTP: leases do not go by it, but times in logs, traces and events do',
  );
}

/** The registry that is asked: whether it serves, from a store that is there, and is of our version and time. */
export const checkRegistry: Check = {
  name: 'registry',
  async look({ registry }) {
    if (registry === undefined) return [skip('no mesh is up here, and no registry is named')];
    const { address, telemetry } = registry;
    const at = `the registry at ${address}`;
    const summary = await summaryOf(registry);
    if (summary instanceof OrchestratorError) {
      return [fail(summary.message, 'see whether it runs, and what its log says')];
    }
    const { stale } = summary;
    const [serving, version] = await Promise.all([
      answersServing(address, '', ANSWER_MS),
      versionAt(address),
    ]);
    const askedAt = Date.now();
    const { time } = await firstOf((options) => telemetry.watchTraffic({}, options));
    const answeredAt = Date.now();
    const found: Diagnosis[] = [];
    if (stale) {
      found.push(
        fail(`${at} has lost its store; it answers from memory`, 'see etcd, and its log for why'),
      );
    } else if (!serving) {
      found.push(
        fail(`${at} does not answer SERVING`, 'see its log: it may have yet to read its store'),
      );
    } else {
      found.push(pass(`${at} serves`));
    }
    if (version !== undefined && version !== weftVersion()) {
      const theirs = version === '' ? 'an older Weft' : `Weft ${version}`;
      found.push(
        warn(`${at} is ${theirs}, this is ${weftVersion()}`, 'bring both to the same version'),
      );
    }
    const { aheadMs, withinMs } = clockDifference(time?.getTime() ?? askedAt, {
      askedAt,
      answeredAt,
    });
    found.push(clockDiagnosis(aheadMs, withinMs));
    return found;
  },
};
