import { setTimeout as sleep } from 'node:timers/promises';
import type { DrainHolder, WatchDrainResponse } from '@weft/proto/registry';
import { ClientError, Status } from 'nice-grpc';
import type { RegistryAccess } from './ask-registry.ts';

/** Who still routes calls to what drains. */
export type DrainState = Pick<WatchDrainResponse, 'holders' | 'holderCount'>;

const RETRY_MS = 250;

/**
 * Waits until no client routes by anything older than `revision`, at most `timeoutMs`, through restarts
 * of the registry. Answers who does then: nobody, when it is drained; undefined, when that cannot be told.
 */
export async function waitForDrain(
  access: RegistryAccess,
  request: { service: string; revision: bigint },
  timeoutMs: number,
  onState: (state: DrainState) => void,
): Promise<DrainState | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  let state: DrainState | undefined;
  while (!signal.aborted) {
    try {
      for await (const answer of access.registry.watchDrain(request, { signal })) {
        state = answer;
        onState(answer);
        if (answer.holderCount === 0) return answer;
      }
    } catch (error) {
      if (signal.aborted) break;
      const isPassing = error instanceof ClientError && error.code === Status.UNAVAILABLE;
      if (!isPassing) throw error;
      state = undefined;
      access.failover();
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
  }
  return state;
}

/** The holders in words: `2 clients: order-service/7f3a, buy.mts@host:1`. */
export function holdersText({ holders, holderCount }: DrainState): string {
  const names = holders.slice(0, 5).map(({ client }: DrainHolder) => client);
  const more = holderCount > names.length ? ` and ${holderCount - names.length} more` : '';
  return `${holderCount} ${holderCount === 1 ? 'client' : 'clients'}: ${names.join(', ')}${more}`;
}
