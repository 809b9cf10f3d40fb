import { status } from '@grpc/grpc-js';
import type { EndedBy } from '../breaker/classify.ts';
import type { Subchannel } from '../grpc-experimental.ts';

/**
 * grpc-js's own record of one attempt, as far as the mesh needs more of it than its types offer.
 * Read off grpc-js 1.14.7, which is pinned:
 * https://github.com/grpc/grpc-node/blob/master/packages/grpc-js/src/subchannel-call.ts
 */

type Connected = ReturnType<Subchannel['getRealSubchannel']>;
export type SubchannelCall = ReturnType<Connected['createCall']>;
export type CallListener = Parameters<Connected['createCall']>[3];
export type CallStatus = Parameters<CallListener['onReceiveStatus']>[0];

/** What the types of grpc-js leave out. */
interface Http2SubchannelCall extends SubchannelCall {
  /** The status that the call ended with; null while it runs. */
  getStatus(): object | null;
}

/** The private part of grpc-js's reader of messages. */
interface MessageReader {
  decoder: { maxReadMessageLength: number };
}

/**
 * Sets the largest message that `call` reads, in bytes. grpc-js has one limit for all calls of a
 * connection. It ends a call with RESOURCE_EXHAUSTED before it reads a larger message.
 */
export function limitReceivedMessages(call: SubchannelCall, maxBytes: number): void {
  (call as unknown as MessageReader).decoder.maxReadMessageLength = maxBytes;
}

/** Message of the status that grpc-js makes when a connection ends below a call. */
const CONNECTION_DROPPED = 'Connection dropped';

/**
 * Where a status came from that `call` ended with, unless this client ended it. grpc-js marks a stream
 * that was closed or reset with `rstCode`, and a lost connection only by its message.
 */
export function endedByPeer({ rstCode, details, metadata }: CallStatus): EndedBy {
  if (rstCode !== undefined) return 'connection';
  if (details !== CONNECTION_DROPPED) return 'server';
  return Object.keys(metadata.getMap()).length === 0 ? 'connection' : 'server';
}

/**
 * Tells when this client ends `call` before a status came. Both the layers above and grpc-js itself, when
 * a response is too large, do so through `cancelWithStatus`.
 * @param told gets the code and the message, and returns the message to use
 */
export function onEndedHere(
  call: SubchannelCall,
  told: (code: status, details: string) => string,
): void {
  const cancel = call.cancelWithStatus;
  call.cancelWithStatus = (code, details) => {
    const isRunning = (call as Http2SubchannelCall).getStatus() === null;
    cancel.call(call, code, isRunning ? told(code, details) : details);
  };
}

/** The units of `grpc-timeout` that grpc-js sends, in ms. */
const TIMEOUT_UNITS: Readonly<Record<string, number>> = { m: 1, S: 1000, M: 60_000, H: 3_600_000 };

/** The value of the header `grpc-timeout`, in ms; Infinity if there is none. */
export function timeoutMs(header: string | undefined): number {
  const [, digits, unit = ''] = /^(\d+)([mSMH])$/.exec(header ?? '') ?? [];
  return digits === undefined
    ? Number.POSITIVE_INFINITY
    : Number(digits) * (TIMEOUT_UNITS[unit] ?? Number.POSITIVE_INFINITY);
}

/** What an end by this client is counted as. */
export function endedHere(code: status): EndedBy {
  return code === status.DEADLINE_EXCEEDED ? 'timeout' : 'client';
}
