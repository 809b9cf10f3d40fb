import { messageOf } from '@weft/proto';
import type { Instance, RegistryServiceClient } from '@weft/proto/registry';
import { OrchestratorError } from '../errors.ts';
import type { Dump } from './dump.ts';

const TIMEOUT_MS = 30_000;

/**
 * Reads everything a registry lists. From a watch, whose snapshot is of one revision however large it
 * is: pages of ListInstances are of one each.
 */
export async function readDump(client: RegistryServiceClient): Promise<Dump> {
  const instances: Instance[] = [];
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    for await (const { snapshot, stale } of client.watch({}, { signal })) {
      if (snapshot === undefined) continue;
      for (const instance of snapshot.instances) instances.push(instance);
      if (!snapshot.more) return { revision: snapshot.revision, isStale: stale, instances };
    }
  } catch (error) {
    throw new OrchestratorError(`the registry cannot be read: ${messageOf(error)}`);
  }
  throw new OrchestratorError('the registry stopped before it had told everything; try again');
}
