import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type status,
} from '@grpc/grpc-js';

/** A status as a server interceptor sends it. */
export interface SentStatus {
  code: status;
  details: string;
  metadata: Metadata | null;
}

/**
 * For a server interceptor: ends the call with `sent` at once. Its handler never runs and nothing of
 * its request is read.
 */
export function refused(
  call: ServerInterceptingCallInterface,
  sent: SentStatus,
): ServerInterceptingCall {
  return new ServerInterceptingCall(call, { start: () => call.sendStatus(sent) });
}

/**
 * For a server interceptor that has nothing to do with a call: hands it on as it is, without a
 * wrapper around each of its events.
 */
export function passedOn(call: ServerInterceptingCallInterface): ServerInterceptingCall {
  // gRPC uses no more of what an interceptor answers than this interface.
  return call as ServerInterceptingCall;
}
