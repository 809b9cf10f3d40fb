import type { Mesh, ServeOptions, ServiceHost } from '@weft/client-sdk';
import { notFound, PUSHBACK_TRAILER, route, unavailable } from '@weft/proto';
import { type User, UserServiceDefinition } from '@weft/proto/user';
import { type CallContext, ServerError, Status } from 'nice-grpc';

/** What an echo instance does with a call of GetUser: told by the test, while it runs. */
export interface EchoBehaviour {
  /** Status to fail with; undefined answers. */
  failWith: Status | undefined;
  /** Share of calls, 0 to 1, that fail so. Default: all. */
  failShare?: number;
  /** What a failed call says of when to come back, in ms. Default: nothing. */
  pushbackMs?: number;
  /** How long it takes, in ms. */
  delayMs: number;
}

/** A user-service that tells who answered: the name of the user is the instance's id. */
export interface EchoInstance {
  readonly host: ServiceHost;
  readonly behaviour: EchoBehaviour;
  /** Calls that reached it. */
  calls: number;
  /** Request metadata of the last call. */
  lastMetadata: Map<string, unknown>;
  /** Calls whose caller went away while they were answered. */
  cancelled: number;
}

function user(id: string, name: string): User {
  return { id, name, email: '', createTime: undefined };
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}

/** Offers one more instance of `echo` through `mesh`. */
export async function serveEcho(
  mesh: Mesh,
  id: string,
  options: Partial<ServeOptions> = {},
): Promise<EchoInstance> {
  const behaviour: EchoBehaviour = { failWith: undefined, delayMs: 0 };
  const answer = async (requestId: string, context: CallContext) => {
    echo.calls += 1;
    echo.lastMetadata = new Map([...context.metadata]);
    if (behaviour.delayMs > 0) await wait(behaviour.delayMs, context.signal);
    if (context.signal.aborted) echo.cancelled += 1;
    if (Math.random() >= (behaviour.failShare ?? 1)) return { user: user(requestId, id) };
    const { pushbackMs } = behaviour;
    if (pushbackMs !== undefined) context.trailer.set(PUSHBACK_TRAILER, String(pushbackMs));
    if (behaviour.failWith === Status.NOT_FOUND) throw notFound('user', requestId);
    if (behaviour.failWith === Status.UNAVAILABLE) {
      throw unavailable('told to fail', { reason: 'TOLD_TO_FAIL' });
    }
    if (behaviour.failWith !== undefined) throw new ServerError(behaviour.failWith, 'told to fail');
    return { user: user(requestId, id) };
  };
  const host = await mesh.serve({
    name: 'echo',
    id,
    settleMs: 50,
    handleSignals: false,
    ttlSeconds: 2,
    routes: [
      route(UserServiceDefinition, {
        getUser: (request, context) => answer(request.id, context),
        createUser: (request, context) => answer(request.name, context),
        listUsers: async () => ({ users: [user('', id)], nextPageToken: '' }),
      }),
    ],
    ...options,
  });
  const echo: EchoInstance = { host, behaviour, calls: 0, lastMetadata: new Map(), cancelled: 0 };
  return echo;
}
