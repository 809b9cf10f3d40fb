import { type Channel, Metadata, status } from '@grpc/grpc-js';
import { AbortError } from 'abort-controller-x';
import { ClientError } from 'nice-grpc-common';

type CallStatus = Parameters<
  Parameters<ReturnType<Channel['createCall']>['start']>[1]['onReceiveStatus']
>[0];

/** How one unary call is made. */
export interface UnaryCallOptions {
  metadata?: Metadata;
  /** When it must have ended, as Date.now() counts; Infinity for never. */
  deadline?: number;
  /** Cancels it. */
  signal?: AbortSignal | undefined;
  onHeader?: ((header: Metadata) => void) | undefined;
  onTrailer?: ((trailer: Metadata) => void) | undefined;
}

/** A failed call with the trailers it ended with. */
export interface FailedCall {
  readonly error: ClientError;
  readonly trailers: Metadata;
}

const NO_CONTEXT = {};

/**
 * Makes a unary call straight on a channel, without the streams, interceptors and stack traces of a
 * grpc-js client.
 * @throws FailedCall; AbortError when `signal` aborts; what `onHeader` or `onTrailer` throws
 */
export function unaryCall(
  channel: Pick<Channel, 'createCall'>,
  path: string,
  request: Buffer,
  options: UnaryCallOptions = {},
): Promise<Buffer> {
  const { signal, deadline = Number.POSITIVE_INFINITY } = options;
  if (signal?.aborted) return Promise.reject(new AbortError());
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const call = channel.createCall(path, deadline, null, null, null);
  const cancel = () => {
    call.cancelWithStatus(status.CANCELLED, 'cancelled by the caller');
    reject(new AbortError());
  };
  signal?.addEventListener('abort', cancel, { once: true });
  /** A callback that throws fails the call: thrown into gRPC, it would keep it from ever ending. */
  const hand = (callback: ((metadata: Metadata) => void) | undefined, metadata: Metadata) => {
    try {
      callback?.(metadata);
    } catch (error) {
      reject(error);
    }
  };
  let response: Buffer | undefined;
  call.start(options.metadata ?? new Metadata(), {
    onReceiveMetadata: (header) => hand(options.onHeader, header),
    onReceiveMessage: (message) => {
      response = message;
    },
    onReceiveStatus: (end: CallStatus) => {
      signal?.removeEventListener('abort', cancel);
      hand(options.onTrailer, end.metadata);
      if (end.code === status.OK && response !== undefined) return resolve(response);
      // Code and message are those of a grpc-js client.
      const failure: FailedCall =
        end.code === status.OK
          ? fail(path, status.UNIMPLEMENTED, 'No message received', end.metadata)
          : fail(path, end.code, end.details, end.metadata);
      reject(failure);
    },
  });
  call.startRead();
  call.sendMessageWithContext(NO_CONTEXT, request);
  call.halfClose();
  return promise;
}

function fail(path: string, code: status, details: string, trailers: Metadata): FailedCall {
  return { error: new ClientError(path, code as number, details), trailers };
}
