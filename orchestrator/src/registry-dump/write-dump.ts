import { messageOf } from '@weft/proto';
import {
  Instance,
  type RegisterRequest,
  type RegisterResult,
  type RegistryServiceClient,
} from '@weft/proto/registry';
import { ClientError, Status } from 'nice-grpc';

/** Registrations of one request: the most that one may have, as long as they fit into a message. */
const AT_ONCE = 1000;
/** What a request is filled up to, well below what a message may hold. */
const REQUEST_BYTES = 2 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

interface Listed {
  readonly service: string;
  readonly id: string;
}

/** What became of the instances of a dump, in its order. */
export interface ImportOutcome {
  readonly imported: readonly (Listed & { readonly ttlSeconds: number })[];
  /** Listed already, and left as they are. */
  readonly kept: readonly Listed[];
  readonly refused: readonly (Listed & { readonly code: string; readonly message: string })[];
}

const nameOf = ({ service, id }: Listed) => `${service}/${id}`;

function registrationOf(instance: Instance): RegisterRequest {
  return { instance, ttlSeconds: instance.ttlSeconds || undefined, skipCallback: true };
}

/** Runs of instances that fit into one request each. */
function* batches(instances: readonly Instance[]): Generator<Instance[]> {
  let batch: Instance[] = [];
  let bytes = 0;
  for (const instance of instances) {
    const more = Instance.encode(instance).finish().length;
    if (batch.length === AT_ONCE || (batch.length > 0 && bytes + more > REQUEST_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(instance);
    bytes += more;
  }
  if (batch.length > 0) yield batch;
}

/** What became of each; when the request itself fails, that is what became of all. */
async function register(
  client: RegistryServiceClient,
  batch: readonly Instance[],
): Promise<readonly RegisterResult[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const registrations = batch.map(registrationOf);
    return (await client.registerMany({ registrations }, { signal })).results;
  } catch (error) {
    const code = error instanceof ClientError ? error.code : Status.UNKNOWN;
    const message = error instanceof ClientError ? error.details : messageOf(error);
    return batch.map(() => ({ refused: { code, message, details: [] } }));
  }
}

/**
 * Lists instances as they were, but for those `listed` already: their owners know better what they are.
 * Nobody is called back: who lives takes its lease over by its incarnation when it renews, and who does
 * not is gone at the end of its time to live.
 */
export async function writeDump(
  client: RegistryServiceClient,
  instances: readonly Instance[],
  listed: readonly Listed[],
): Promise<ImportOutcome> {
  const names = new Set(listed.map(nameOf));
  const isListed = (instance: Instance) => names.has(nameOf(instance));
  const kept = instances.filter(isListed).map(({ service, id }) => ({ service, id }));
  const missing = instances.filter((instance) => !isListed(instance));
  const imported: ImportOutcome['imported'][number][] = [];
  const refused: ImportOutcome['refused'][number][] = [];
  for (const batch of batches(missing)) {
    const results = await register(client, batch);
    for (const [index, { service, id }] of batch.entries()) {
      const { registered, refused: why } = results[index] ?? {};
      if (registered !== undefined) {
        const { ttlSeconds, instance } = registered;
        imported.push({ service, id: instance?.id ?? id, ttlSeconds });
      } else {
        const code = Status[why?.code ?? Status.UNKNOWN] ?? `${why?.code}`;
        refused.push({ service, id, code, message: why?.message ?? 'no answer' });
      }
    }
  }
  return { imported, kept, refused };
}
