import type { Channel } from '@grpc/grpc-js';
import type { Instance } from '@weft/proto/registry';

/** Whether the instance says in its registration that it can be asked who it is. */
export function tellsIdentity(_instance: Instance): boolean {
  return false;
}

/** Asks who is at the other end. Answers what is wrong with it; undefined when it is the one meant. */
export async function checkIdentity(
  _channel: Pick<Channel, 'createCall'>,
  _instance: Instance,
  _timeoutMs: number,
  _signal: AbortSignal,
): Promise<string | undefined> {
  return undefined;
}
