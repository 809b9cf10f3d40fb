import { Server } from '@grpc/grpc-js';

/** Server option: shut the server down if it cannot listen. */
export const CLOSE_FAILED_BIND_KEY = 'weft.close_failed_bind';

/** The private options of a grpc-js server. */
interface ServerWithOptions {
  readonly options: Record<string, unknown>;
}

let isInstalled = false;

/**
 * Makes grpc-js servers that have CLOSE_FAILED_BIND_KEY among their options shut down if they cannot listen.
 *
 * nice-grpc creates the grpc-js server and drops it when it cannot listen. grpc-js keeps every server
 * that was not shut down in the tables of channelz, with all its handlers: some 0.6 MB each.
 * See https://github.com/deeplay-io/nice-grpc/blob/master/packages/nice-grpc/src/server/Server.ts, `listen`.
 */
export function installFailedBindClose(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { bindAsync } = Server.prototype;
  Server.prototype.bindAsync = function bind(this: Server, address, credentials, callback) {
    const isOurs = CLOSE_FAILED_BIND_KEY in (this as unknown as ServerWithOptions).options;
    bindAsync.call(this, address, credentials, (error, port) => {
      if (error !== null && isOurs) this.forceShutdown();
      callback(error, port);
    });
  };
}
