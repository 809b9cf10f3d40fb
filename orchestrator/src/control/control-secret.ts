import { randomBytes, timingSafeEqual } from 'node:crypto';
import { unauthenticated } from '@weft/proto';
import type { OrchestratorServiceImplementation } from '@weft/proto/orchestrator';
import type { CallContext } from 'nice-grpc';

/** A new secret of a control port. Only the owner of the state file can read it. */
export function createControlSecret(): string {
  return randomBytes(32).toString('hex');
}

type Handler = (request: never, context: CallContext) => unknown;

/**
 * Wraps handlers so that a call without the secret fails with UNAUTHENTICATED. Every user of the machine can connect
 * to the control port, and could stop the mesh otherwise.
 */
export function requireSecret(
  handlers: OrchestratorServiceImplementation,
  secret: string,
): OrchestratorServiceImplementation {
  const wanted = Buffer.from(`Bearer ${secret}`);
  const check = ({ metadata }: CallContext) => {
    const shown = Buffer.from(metadata.get('authorization') ?? '');
    if (shown.length === wanted.length && timingSafeEqual(shown, wanted)) return;
    throw unauthenticated(
      'this call needs the secret of the mesh: use the weft command, as the user who started the mesh',
      { reason: 'CONTROL_SECRET_REQUIRED' },
    );
  };
  const guarded = Object.entries(handlers as unknown as Record<string, Handler>).map(
    ([name, handler]) => [
      name,
      async (request: never, context: CallContext) => {
        check(context);
        return handler(request, context);
      },
    ],
  );
  return Object.fromEntries(guarded) as unknown as OrchestratorServiceImplementation;
}
