import type { ServerError } from 'nice-grpc-common';
import {
  BadRequest,
  ErrorInfo,
  ResourceInfo,
  RetryInfo,
  RichServerError,
} from 'nice-grpc-error-details';
import type { Status } from '../gen/google/rpc/status.ts';

interface DetailType {
  readonly $type: string;
  encode(message: never): { finish(): Uint8Array };
}

/** What errors.ts puts into a status. */
const detailTypes: readonly DetailType[] = [BadRequest, ErrorInfo, ResourceInfo, RetryInfo];

/** A status as a message, with its details: for an answer about many things of which some failed. */
export function statusMessage(error: ServerError): Status {
  const extra = error instanceof RichServerError ? error.extra : [];
  const details = extra.flatMap((detail) => {
    const type = detailTypes.find(({ $type }) => $type === detail.$type);
    if (type === undefined) return [];
    const value = Buffer.from(type.encode(detail as never).finish());
    return [{ typeUrl: `type.googleapis.com/${type.$type}`, value }];
  });
  return { code: error.code, message: error.details, details };
}
