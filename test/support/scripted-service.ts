import type { ServeOptions } from '@weft/client-sdk';
import { PUSHBACK_TRAILER, pause, route } from '@weft/proto';
import { type User, UserServiceDefinition } from '@weft/proto/user';
import { type CallContext, ServerError, type Status } from 'nice-grpc';

/** What a handler does with one call. The caller sends it as JSON in the user's id or name. */
export interface Script {
  /** How long the handler takes, in ms. Default 0. */
  sleepMs?: number;
  /** Id of the only instance whose handler takes that long. Default: all do. */
  sleepsAt?: string;
  /** Status that the call fails with. Default OK. */
  code?: Status;
  /** Message of that status. Default `as told`. */
  details?: string;
  /** Pushback trailer sent with the failure, in ms. Default none. */
  pushbackMs?: number;
  /** Size of the user's name in the response, in bytes. Default the id of the instance. */
  bytes?: number;
  /** Whether the response is an object that cannot be encoded. */
  isUnencodable?: boolean;
}

/** The script as the request field that carries it. */
export const scripted = (script: Script): string => JSON.stringify(script);

async function play(text: string, instanceId: string, context: CallContext): Promise<User> {
  const script: Script = text.startsWith('{') ? JSON.parse(text) : {};
  const {
    sleepMs = 0,
    sleepsAt = instanceId,
    code,
    details = 'as told',
    pushbackMs,
    bytes,
    isUnencodable,
  } = script;
  if (sleepMs > 0 && sleepsAt === instanceId) await pause(sleepMs, context.signal);
  if (pushbackMs !== undefined) context.trailer.set(PUSHBACK_TRAILER, String(pushbackMs));
  if (code !== undefined) throw new ServerError(code, details);
  const name = bytes === undefined ? instanceId : 'x'.repeat(bytes);
  const createTime = isUnencodable ? ('yesterday' as never) : undefined;
  return { id: '', name, email: '', createTime };
}

/** Options of an instance of user-service whose handlers do what each call's script says. */
export function scriptedService(name: string, id: string): ServeOptions {
  return {
    name,
    id,
    settleMs: 50,
    handleSignals: false,
    routes: [
      route(UserServiceDefinition, {
        getUser: async (request, context) => ({ user: await play(request.id, id, context) }),
        createUser: async (request, context) => ({ user: await play(request.name, id, context) }),
        listUsers: async () => ({ users: [], nextPageToken: '' }),
      }),
    ],
  };
}
