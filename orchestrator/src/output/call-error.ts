import { messageOf } from '@weft/proto';
import { ClientError, Status } from 'nice-grpc';

/** A failed call in a form to print: what google.rpc details tell is spelled out. */
export interface CallFailure {
  /** Name of the status ("NOT_FOUND"), or code of an error of the SDK. */
  readonly code: string;
  readonly message: string;
  /** Stable reason of ErrorInfo, where there is one. */
  readonly reason?: string;
  /** Fields of BadRequest, where there are some. */
  readonly fieldViolations?: readonly { field: string; description: string }[];
}

interface Detail {
  readonly reason?: string;
  readonly fieldViolations?: readonly { field: string; description: string }[];
}

function detailsOf(error: ClientError): readonly Detail[] {
  const { extra } = error as { extra?: unknown };
  return Array.isArray(extra) ? (extra as Detail[]) : [];
}

/** Puts what a call threw into words: a gRPC status, or an error of the mesh with a code of its own. */
export function callFailure(error: unknown): CallFailure {
  if (!(error instanceof ClientError)) {
    const { code } = Object(error) as { code?: unknown };
    return { code: typeof code === 'string' ? code : 'UNKNOWN', message: messageOf(error) };
  }
  const details = detailsOf(error);
  const reason = details.find((detail) => detail.reason)?.reason;
  const violations = details.flatMap(({ fieldViolations = [] }) =>
    fieldViolations.map(({ field, description }) => ({ field, description })),
  );
  return {
    code: Status[error.code] ?? String(error.code),
    message: error.details,
    ...(reason ? { reason } : {}),
    ...(violations.length > 0 ? { fieldViolations: violations } : {}),
  };
}

/** The failure as lines for people. */
export function callFailureText({
  code,
  message,
  reason,
  fieldViolations = [],
}: CallFailure): string {
  return [
    `${code}: ${message}`,
    ...(reason ? [`  reason: ${reason}`] : []),
    ...fieldViolations.map(({ field, description }) => `  field ${field}: ${description}`),
  ].join('\n');
}
