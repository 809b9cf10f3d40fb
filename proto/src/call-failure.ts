import { ClientError, type Status } from 'nice-grpc-common';
import { RichClientError } from 'nice-grpc-error-details';

/** What a failed call said, to decide on. */
export interface CallFailure {
  code: Status;
  /** `reason` of the ErrorInfo it carried: stable, upper snake case; empty when it carried none. */
  reason: string;
  /** The other side's words, for people. */
  details: string;
}

/** Reads what a client threw; undefined when it is no gRPC status (the caller's own abort, a bug). */
export function callFailure(error: unknown): CallFailure | undefined {
  if (!(error instanceof ClientError)) return undefined;
  const { code, details } = error;
  const extra = error instanceof RichClientError ? error.extra : [];
  for (const detail of extra) {
    if (detail.$type === 'google.rpc.ErrorInfo') return { code, reason: detail.reason, details };
  }
  return { code, reason: '', details };
}
