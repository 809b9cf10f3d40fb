import { Server } from '@grpc/grpc-js';

/**
 * Calls that a client may cancel on one connection: so many at once, then so many a second. Node's
 * own limit, 1000 and 33, closes a connection on which calls merely time out for some seconds or
 * lose against their hedges, and fails all others on it; an attack by resets makes tens of thousands.
 */
const RESET_BURST = 10_000;
const RESETS_PER_SECOND = 1_000;

/**
 * Headers that a request may have. Node's own limit of 128 resets the stream, which gRPC clients cannot
 * tell from an overload. The size of all headers, 64 KiB, bounds their number as well.
 */
const MAX_HEADER_PAIRS = 2048;

/** Server option that asks for these limits. */
export const RESET_LIMITS_KEY = 'weft.reset_limits';

/** What is private of a grpc-js server, and needed here: it has no option for these limits. */
interface Http2ServerMaker {
  options: Record<string, unknown>;
  commonServerOptions: Record<string, unknown>;
  createHttp2Server(credentials: unknown): unknown;
}

let isInstalled = false;

/** Makes servers that have RESET_LIMITS_KEY among their options allow the limits above. */
export function installResetLimits(): void {
  if (isInstalled) return;
  isInstalled = true;
  const maker = Server.prototype as unknown as Http2ServerMaker;
  const { createHttp2Server } = maker;
  maker.createHttp2Server = function create(this: Http2ServerMaker, credentials: unknown) {
    if (RESET_LIMITS_KEY in this.options) {
      Object.assign(this.commonServerOptions, {
        streamResetBurst: RESET_BURST,
        streamResetRate: RESETS_PER_SECOND,
        maxHeaderListPairs: MAX_HEADER_PAIRS,
      });
    }
    return createHttp2Server.call(this, credentials);
  };
}
