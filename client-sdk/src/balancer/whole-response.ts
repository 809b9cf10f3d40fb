import { type Metadata, status } from '@grpc/grpc-js';
import type { Subchannel } from '../grpc-experimental.ts';

type Connected = ReturnType<Subchannel['getRealSubchannel']>;
type CreateCall = Connected['createCall'];
type Listener = Parameters<CreateCall>[3];

/** Hands on what one response consists of only when its status is there. */
function holdUntilStatus(createCall: CreateCall): CreateCall {
  return (metadata, host, method, listener, callId) => {
    let heldMetadata: Metadata | undefined;
    let heldMessage: Buffer | undefined;
    const holding: Listener = {
      onReceiveMetadata: (received) => {
        heldMetadata = received;
      },
      onReceiveMessage: (message) => {
        heldMessage = message;
        // The status is behind the message, and gRPC reads on only when asked.
        call.startRead();
      },
      onReceiveStatus: (end) => {
        if (end.code !== status.UNAVAILABLE) {
          if (heldMetadata !== undefined) listener.onReceiveMetadata(heldMetadata);
          if (heldMessage !== undefined) listener.onReceiveMessage(heldMessage);
        }
        listener.onReceiveStatus(end);
      },
    };
    const call = createCall(metadata, host, method, holding, callId);
    return call;
  };
}

/**
 * `subchannel` for calls that may be retried. gRPC commits a call to an attempt with the first byte
 * of its response (gRFC A6), so a connection that breaks between the headers and the status of a
 * unary response fails a call that could have been answered elsewhere. Here nothing of a response
 * is passed on before all of it has come; a response that ends UNAVAILABLE passes on that alone.
 */
export function withWholeResponses(
  subchannel: Subchannel,
  isRetried: (path: string) => boolean,
): Subchannel {
  const connected = subchannel.getRealSubchannel();
  const createCall: CreateCall = (...args) => connected.createCall(...args);
  const createHeldCall = holdUntilStatus(createCall);
  const wrapped: Connected = Object.create(connected);
  wrapped.createCall = (metadata, host, method, ...rest) =>
    (isRetried(method) ? createHeldCall : createCall)(metadata, host, method, ...rest);
  const wrapper: Subchannel = Object.create(subchannel);
  wrapper.getRealSubchannel = () => wrapped;
  return wrapper;
}
