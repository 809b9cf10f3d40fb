import { Metadata, type ServerInterceptingCallInterface, status } from '@grpc/grpc-js';
import { headerFault } from './header-rules.ts';
import type { SentStatus } from './refused-call.ts';
import { metadataBytes, overLimit, type SizeLimits } from './size-limits.ts';

const WHERE = 'the options of the server';

/** The private part of a grpc-js server's call: what the client sent. */
interface ServerCall extends ServerInterceptingCallInterface {
  readonly metadata?: Metadata;
}

type PartialStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** How grpc-js begins the message of a status for a request that is too large. */
const REQUEST_TOO_LARGE =
  /^Received message (?:larger than max \((\d+) vs|that decompresses to a size larger)/;

function tooLarge(details: string): SentStatus {
  return { code: status.RESOURCE_EXHAUSTED, details, metadata: null };
}

/** Why metadata cannot be sent to the client; undefined if it can. */
function sendFault(metadata: Metadata, limits: SizeLimits, what: string): SentStatus | undefined {
  const fault = headerFault(metadata);
  if (fault !== undefined) return { code: status.INTERNAL, details: fault, metadata: null };
  const bytes = metadataBytes(metadata);
  if (bytes <= limits.maxSendMetadataBytes) return undefined;
  return tooLarge(overLimit(what, bytes, limits, 'maxSendMetadataBytes', WHERE));
}

/** The same status, with the name of our setting if a request was too large for grpc-js. */
function named(sent: PartialStatus, limits: SizeLimits): PartialStatus {
  if (sent.code !== status.RESOURCE_EXHAUSTED) return sent;
  const match = REQUEST_TOO_LARGE.exec(sent.details ?? '');
  if (match === null) return sent;
  const bytes = match[1] === undefined ? undefined : Number(match[1]);
  const details = overLimit('a request message', bytes, limits, 'maxReceiveMessageBytes', WHERE);
  return { ...sent, details };
}

/**
 * Applies the limits to a call of a grpc-js server: to what the handler sends, and to the message of the
 * status that grpc-js makes for a request that is too large. Metadata that HTTP/2 cannot carry ends the
 * call with INTERNAL. Node would throw instead, and for trailers no code could catch the error.
 * @returns the status to refuse the call with, if the client sent too much metadata
 */
export function limitCall(
  call: ServerInterceptingCallInterface,
  limits: SizeLimits,
): SentStatus | undefined {
  const { sendMetadata, sendStatus } = call;
  let isEnded = false;
  call.sendMetadata = (metadata) => {
    const fault = sendFault(metadata, limits, 'the response metadata');
    if (fault === undefined) return sendMetadata.call(call, metadata);
    isEnded = true;
    sendStatus.call(call, fault);
  };
  call.sendStatus = (sent) => {
    if (isEnded) return;
    const fault = sendFault(sent.metadata ?? new Metadata(), limits, 'the trailing metadata');
    sendStatus.call(call, fault ?? named(sent, limits));
  };
  const { metadata } = call as ServerCall;
  const bytes = metadata === undefined ? 0 : metadataBytes(metadata);
  if (bytes <= limits.maxReceiveMetadataBytes) return undefined;
  return tooLarge(
    overLimit('the request metadata', bytes, limits, 'maxReceiveMetadataBytes', WHERE),
  );
}
