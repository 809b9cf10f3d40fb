import type { ClientError, ClientMiddlewareCall, Metadata } from 'nice-grpc-common';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';
import { reportOfTrailers } from './call-filter.ts';
import { noteReport } from './error-reports.ts';
import { fromGrpcMetadata } from './nice-metadata.ts';
import type { FailedCall } from './unary-call.ts';

const DETAILS_KEY = 'grpc-status-details-bin';

/** The error of a failed call, with the google.rpc details that came with it and how it fared. */
export async function richError({ error, trailers }: FailedCall): Promise<ClientError> {
  const rich =
    trailers.get(DETAILS_KEY).length === 0
      ? error
      : await withDetails(error, fromGrpcMetadata(trailers));
  const report = reportOfTrailers(trailers);
  if (report !== undefined) noteReport(rich, report);
  return rich;
}

/** nice-grpc decodes the details as a middleware; it is shown a call that ends with this error. */
async function withDetails(error: ClientError, trailers: Metadata): Promise<ClientError> {
  const call = {
    next: (_request: unknown, options: { onTrailer?(trailer: Metadata): void }) => {
      options.onTrailer?.(trailers);
      throw error;
    },
  } as unknown as ClientMiddlewareCall<unknown, unknown>;
  try {
    await errorDetailsClientMiddleware(call, {}).next();
    return error;
  } catch (rich) {
    return rich as ClientError;
  }
}
