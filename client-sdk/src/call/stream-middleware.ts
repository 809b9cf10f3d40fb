import type { CallOptions, ClientMiddleware } from 'nice-grpc-common';
import { Metadata } from 'nice-grpc-common';
import type { MeshCallOptions } from './call-options.ts';

/** Request metadata by which a client tells its own channel what a call asks for; never sent. */
export const OPTIONS_KEY = 'weft-internal-options';

/** Options of streaming calls under way to their channel, which takes them out. */
const underWay = new Map<string, MeshCallOptions>();
let next = 0;

/** The options that came with a call, and the header they came by. */
export function takeOptions(id: string): MeshCallOptions | undefined {
  const options = underWay.get(id);
  underWay.delete(id);
  return options;
}

/** Hands the options of a streaming call to the channel: nice-grpc knows no other way. */
export const streamMiddleware: ClientMiddleware<MeshCallOptions> = async function* pass(
  call,
  { timeoutMs, hashKey, onReport, ...rest }: CallOptions & MeshCallOptions,
) {
  if (timeoutMs === undefined && hashKey === undefined && onReport === undefined) {
    return yield* call.next(call.request, rest);
  }
  const id = String(next++);
  underWay.set(id, { timeoutMs, hashKey, onReport } as MeshCallOptions);
  try {
    const metadata = Metadata(rest.metadata).set(OPTIONS_KEY, id);
    return yield* call.next(call.request, { ...rest, metadata });
  } finally {
    underWay.delete(id);
  }
};
