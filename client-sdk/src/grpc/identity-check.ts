import type { Channel } from '@grpc/grpc-js';
import { IDENTITY_KEY } from '@weft/proto';
import { IdentifyRequest, IdentifyResponse, PeerServiceDefinition } from '@weft/proto/peer';
import type { Instance } from '@weft/proto/registry';
import { type FailedCall, unaryCall } from '../call/unary-call.ts';

const IDENTIFY = `/${PeerServiceDefinition.fullName}/${PeerServiceDefinition.methods.identify.name}`;
const REQUEST = Buffer.from(IdentifyRequest.encode({}).finish());

/** Whether the instance says in its registration that it can be asked who it is. */
export function tellsIdentity({ metadata }: Instance): boolean {
  return metadata.has(IDENTITY_KEY);
}

/**
 * Asks who is at the other end of a connection. Answers what is wrong with it, undefined when it is the
 * instance meant; an answer that does not come says that it is not.
 */
export async function checkIdentity(
  channel: Pick<Channel, 'createCall'>,
  { service, id, incarnation }: Instance,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), timeoutMs).unref();
  try {
    const answer = IdentifyResponse.decode(
      await unaryCall(channel, IDENTIFY, REQUEST, {
        signal: AbortSignal.any([signal, timeout.signal]),
      }),
    );
    const isMeant =
      answer.service === service && answer.instanceId === id && answer.incarnation === incarnation;
    if (isMeant) return undefined;
    return answer.service === service && answer.instanceId === id
      ? `another incarnation of ${id} (${answer.incarnation}) answers`
      : `${answer.instanceId} of ${answer.service} answers, not ${id} of ${service}`;
  } catch (failure) {
    if (timeout.signal.aborted) return `no answer to who it is within ${timeoutMs} ms`;
    const { error } = failure as Partial<FailedCall>;
    return `it does not say who it is (${error?.message ?? String(failure)})`;
  } finally {
    clearTimeout(timer);
  }
}
