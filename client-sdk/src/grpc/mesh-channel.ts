import { Channel, ChannelCredentials, type Metadata, status } from '@grpc/grpc-js';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { clientTransport } from '@weft/proto';
import { deadlineOf } from '../call/call-options.ts';
import { attachSettings, type CallSettings } from '../call/call-settings.ts';
import type { MethodPlan } from '../call/method-plan.ts';
import { SETTINGS_KEY, takeSettings } from '../call/stream-middleware.ts';
import { closedError } from '../errors.ts';
import { type CallContext, currentCall } from '../server/call-context.ts';
import { RESOLVER_CONTEXT_KEY, type ResolverContext, SCHEME } from './mesh-resolver.ts';

type Call = ReturnType<Channel['createCall']>;
type CallListener = Parameters<Call['start']>[1];

/** Opens the one channel that this process has to a service. */
export function openChannel(service: string, context: ResolverContext): Channel {
  return new Channel(`${SCHEME}:///${service}`, ChannelCredentials.createInsecure(), {
    ...clientTransport,
    // CallLimits applies the limit of each call. GrpcAttempt does so for messages that are received.
    'grpc.max_send_message_length': -1,
    [RESOLVER_CONTEXT_KEY]: context,
  });
}

/** Closes it; calls made on it from now on throw MESH_CLOSED. */
export function closeChannel(channel: Channel): void {
  channel.close();
  channel.createCall = () => {
    throw closedError();
  };
}

/**
 * The channel as any grpc-js stub uses it (`channelOverride`). A unary call without a deadline gets the
 * default, if a contract told that it is unary; a call made while another is answered inherits its
 * deadline and cancellation. Closing it is the mesh's business.
 */
export function stubChannel(
  channel: Channel,
  planOf: (path: string) => MethodPlan,
  settings: CallSettings | undefined,
): Channel {
  const stub: Channel = Object.create(channel);
  stub.createCall = (path, deadline, host, parentCall, propagateFlags) => {
    const incoming = currentCall();
    const isOpenEnded = deadline === Number.POSITIVE_INFINITY;
    const plan = planOf(path);
    const effective =
      isOpenEnded || incoming !== undefined
        ? Math.min(
            Number(deadline),
            deadlineOf(undefined, isOpenEnded ? plan.defaultDeadlineMs : undefined, incoming),
          )
        : deadline;
    const call = channel.createCall(path, effective, host, parentCall, propagateFlags);
    const isTraced = context.active() !== ROOT_CONTEXT;
    if (settings === undefined && incoming === undefined && plan.isUnary && !isTraced) return call;
    return withStart(call, settings, incoming);
  };
  stub.close = () => {};
  return stub;
}

/** Sees to it, when the call starts, that its settings go with it and that it ends with `incoming`. */
function withStart(
  call: Call,
  settings: CallSettings | undefined,
  incoming: CallContext | undefined,
): Call {
  const { start } = call;
  call.start = (metadata: Metadata, listener: CallListener) => {
    const [id] = metadata.get(SETTINGS_KEY);
    const own = id === undefined ? undefined : takeSettings(id.toString());
    metadata.remove(SETTINGS_KEY);
    const active = context.active();
    const trace = active === ROOT_CONTEXT ? undefined : { traceContext: active };
    if (settings !== undefined || own !== undefined || trace !== undefined) {
      attachSettings(metadata, { ...settings, ...own, ...trace });
    }
    const signal = incoming?.signal;
    const cancel = () => call.cancelWithStatus(status.CANCELLED, 'the incoming call was cancelled');
    start.call(call, metadata, {
      onReceiveMetadata: (header) => listener.onReceiveMetadata(header),
      onReceiveMessage: (message) => listener.onReceiveMessage(message),
      onReceiveStatus: (end) => {
        signal?.removeEventListener('abort', cancel);
        listener.onReceiveStatus(end);
      },
    });
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  };
  return call;
}
