import type { ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js';
import type { TsProtoServiceDefinition } from 'nice-grpc';
import { type CallObserver, callObserver } from './call-observer.ts';
import { deadlineExceeded, incomingDeadline } from './incoming-deadline.ts';
import { limitCall } from './limited-call.ts';
import { passedOn, refused, type SentStatus } from './refused-call.ts';
import { ServerConnection } from './server-connection.ts';
import type { SizeLimits } from './size-limits.ts';

/** A server interceptor that also gets the connection of the call. */
export type RouteInterceptor = (
  ...args: [...Parameters<ServerInterceptor>, connection: ServerConnection | undefined]
) => ServerInterceptingCall;

export interface RouteInterceptorOptions {
  /** Contracts whose calls it is for; all others pass untouched. */
  definitions: readonly TsProtoServiceDefinition[];
  /** What a call that comes now is refused with, if it is. */
  refusal: () => SentStatus | undefined;
  /** How large messages and metadata may be. */
  sizeLimits: SizeLimits;
  /** Run for each call that is not refused, each within the next. */
  interceptors: readonly RouteInterceptor[];
  /** Told of each call, refused or not. */
  observer?: CallObserver | undefined;
}

function pathsOf({ fullName, methods }: TsProtoServiceDefinition): string[] {
  return Object.values(methods).map(({ name }) => `/${fullName}/${name}`);
}

/**
 * The one interceptor of a server, for calls of its own contracts: refuses one, or runs the others. A call
 * whose deadline has passed is refused like one that comes at the wrong time: it never reaches its handler.
 */
export function routeInterceptor(options: RouteInterceptorOptions): ServerInterceptor {
  const { definitions, refusal, sizeLimits, interceptors, observer } = options;
  const observed = observer && callObserver(observer);
  const paths = new Set(definitions.flatMap(pathsOf));
  return (method, transported) => {
    if (!paths.has(method.path)) return passedOn(transported);
    const call = observed?.(method, transported) ?? transported;
    const tooLarge = limitCall(transported, sizeLimits);
    const nowMs = Date.now();
    const deadline = incomingDeadline(transported, nowMs);
    const isLate = deadline !== undefined && deadline <= nowMs;
    const sent = isLate ? deadlineExceeded : (refusal() ?? tooLarge);
    if (sent !== undefined) return refused(call, sent);
    const connection = ServerConnection.ofCall(transported);
    return interceptors.reduce(
      (inner, interceptor) => interceptor(method, inner, connection),
      passedOn(call),
    );
  };
}
