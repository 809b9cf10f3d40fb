import { Server } from '@grpc/grpc-js';

/**
 * How many calls a client may reset (cancel) on one connection. A connection that exceeds it is
 * closed. Each reset costs the server as much as a call, so a flood of resets delays all other
 * clients.
 */
export interface ResetLimits {
  /** Resets at once. */
  readonly burst: number;
  /** Resets a second after a burst. */
  readonly perSecond: number;
}

/**
 * For a server whose calls time out or lose against their hedges. Node's own limit, 1000 and 33,
 * closes a connection on which that goes on for some seconds, and fails all other calls on it.
 */
export const CALL_RESET_LIMITS: ResetLimits = { burst: 3000, perSecond: 1000 };

/**
 * Headers that a request may have. Node's own limit of 128 resets the stream, which gRPC clients
 * cannot tell from an overload. The size of all headers, 64 KiB, bounds their number as well.
 */
const MAX_HEADER_PAIRS = 2048;

/** Server option: a ResetLimits. */
export const RESET_LIMITS_KEY = 'weft.reset_limits';

/**
 * The private parts of a grpc-js server that this file needs: there is no option for these limits.
 */
interface Http2ServerMaker {
  options: Record<string, unknown>;
  commonServerOptions: Record<string, unknown>;
  createHttp2Server(credentials: unknown): unknown;
}

let isInstalled = false;

/**
 * Makes grpc-js servers apply the limits that stand under RESET_LIMITS_KEY in their options. Node
 * has streamResetBurst and streamResetRate for them, see
 * https://nodejs.org/api/http2.html#http2createserveroptions-onrequesthandler; grpc-js passes
 * neither on.
 */
export function installResetLimits(): void {
  if (isInstalled) return;
  isInstalled = true;
  const maker = Server.prototype as unknown as Http2ServerMaker;
  const { createHttp2Server } = maker;
  maker.createHttp2Server = function create(this: Http2ServerMaker, credentials: unknown) {
    const limits = this.options[RESET_LIMITS_KEY] as ResetLimits | undefined;
    if (limits !== undefined) {
      Object.assign(this.commonServerOptions, {
        streamResetBurst: limits.burst,
        streamResetRate: limits.perSecond,
        maxHeaderListPairs: MAX_HEADER_PAIRS,
      });
    }
    return createHttp2Server.call(this, credentials);
  };
}
