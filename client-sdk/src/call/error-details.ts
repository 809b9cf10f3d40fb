import {
  ClientError,
  type ClientMiddleware,
  type ClientMiddlewareCall,
  type Metadata,
} from 'nice-grpc-common';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';

/**
 * The error with the google.rpc details in these trailers. nice-grpc decodes them as a middleware; it is
 * shown a call that ends with this error. Details that cannot be decoded are none.
 */
export async function withDetails(error: ClientError, trailers: Metadata): Promise<ClientError> {
  const call = {
    next: (_request: unknown, options: { onTrailer?(trailer: Metadata): void }) => {
      options.onTrailer?.(trailers);
      throw error;
    },
  } as unknown as ClientMiddlewareCall<unknown, unknown>;
  try {
    await errorDetailsClientMiddleware(call, {}).next();
  } catch (rich) {
    if (rich instanceof ClientError) return rich;
  }
  return error;
}

/**
 * Gives errors their google.rpc details. nice-grpc's own middleware decodes them where the trailers come
 * in, in an event of the stream: there a peer could end this process with a few wrong bytes.
 */
export const errorDetails: ClientMiddleware = async function* details(call, options) {
  let trailers: Metadata | undefined;
  try {
    return yield* call.next(call.request, {
      ...options,
      onTrailer(trailer: Metadata) {
        trailers = trailer;
        options.onTrailer?.(trailer);
      },
    });
  } catch (error) {
    if (trailers === undefined || !(error instanceof ClientError)) throw error;
    throw await withDetails(error, trailers);
  }
};
