import { createHash } from 'node:crypto';

/** A request that carries an idempotency key. */
interface Keyed {
  readonly idempotencyKey: string;
}

/** The generated code of a message: what encodes it. */
interface Codec<Request> {
  encode(request: Request): { finish(): Uint8Array };
}

/** A digest of all of a request but its key: two requests under one key are the same if it is. */
export function hashRequest<Request extends Keyed>(
  codec: Codec<Request>,
  request: Request,
): string {
  const body = codec.encode({ ...request, idempotencyKey: '' }).finish();
  return createHash('sha256').update(body).digest('hex');
}
