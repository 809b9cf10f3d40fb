import type { ClientError } from 'nice-grpc-common';
import { reportOfTrailers } from './call-filter.ts';
import { withDetails } from './error-details.ts';
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
