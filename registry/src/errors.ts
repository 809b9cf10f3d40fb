import { aborted, alreadyExists, notFound, resourceExhausted, unavailable } from '@weft/proto';

/** What went wrong in the store, as the caller has to treat it. */
export type StoreErrorCode = 'conflict' | 'not-found' | 'superseded' | 'unavailable' | 'no-space';

interface StoreErrorOptions {
  /** Facts for programs: the service, the id. */
  metadata?: Record<string, string>;
  cause?: unknown;
}

/** A failure of a store that its caller must be told of. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  readonly metadata: Record<string, string>;

  constructor(
    code: StoreErrorCode,
    message: string,
    { metadata = {}, cause }: StoreErrorOptions = {},
  ) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
    this.metadata = metadata;
  }
}

/** The gRPC status of a store's failure; any other error is answered as it is. */
export function toStatusError(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  const { metadata, message } = error;
  switch (error.code) {
    case 'conflict':
      return alreadyExists(message, { reason: 'INSTANCE_EXISTS', metadata });
    case 'superseded':
      return aborted(message, { reason: 'LEASE_MISMATCH', metadata });
    case 'not-found':
      return notFound('instance', `${metadata.service}/${metadata.id}`);
    case 'unavailable':
      return unavailable(message, { reason: 'STORE_UNAVAILABLE', metadata });
    case 'no-space':
      return resourceExhausted(message, { reason: 'STORE_NO_SPACE', metadata });
  }
}
