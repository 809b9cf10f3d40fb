import { setTimeout as sleep } from 'node:timers/promises';
import { ClientError, Status } from 'nice-grpc';
import type { AskedRegistry, RegistryAccess } from './ask-registry.ts';

/** How to follow a stream of the registry for as long as it is wanted. */
export interface Following<Message> {
  open(access: AskedRegistry, options: { signal: AbortSignal }): AsyncIterable<Message>;
  /** Takes a message; `isFirst` is the first one of its stream. */
  take(message: Message, isFirst: boolean): void;
  /** The stream has broken; it is opened again. Told once until the next message. */
  lost?(reason: string): void;
  /** The first message after that. */
  found?(): void;
  /** What to do about a refusal; answers whether another try makes sense. Default: none does. */
  refused?(error: ClientError): boolean;
  signal: AbortSignal;
}

const RETRY_MS = 300;
/** Statuses that go away by themselves. */
const PASSING: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.INTERNAL,
  Status.RESOURCE_EXHAUSTED,
]);

/**
 * Follows a stream through restarts of the registry, until `signal` aborts. The registry must be there
 * at first.
 * @throws ClientError when it is not, or for what no other try will mend
 */
export async function follow<Message>(
  access: RegistryAccess,
  { open, take, lost, found, refused, signal }: Following<Message>,
): Promise<void> {
  await access.registry.listServices({ pageSize: 1 });
  let isLost = false;
  while (!signal.aborted) {
    let reason = 'it ended the stream';
    try {
      let isFirst = true;
      for await (const message of open(access, { signal })) {
        if (isLost) found?.();
        isLost = false;
        take(message, isFirst);
        isFirst = false;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ClientError)) throw error;
      if (!PASSING.has(error.code) && !refused?.(error)) throw error;
      reason = error.details;
    }
    if (signal.aborted) return;
    if (!isLost) lost?.(reason);
    isLost = true;
    access.failover();
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
  }
}
