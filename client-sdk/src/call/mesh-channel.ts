import { Channel, ChannelCredentials } from '@grpc/grpc-js';
import { clientTransport } from '@weft/proto';
import { RESOLVER_CONTEXT_KEY, type ResolverContext, SCHEME } from '../resolver/mesh-resolver.ts';
import type { MethodTable } from './method-table.ts';

/** Opens the one channel that this process has to a service. */
export function openChannel(service: string, context: ResolverContext): Channel {
  return new Channel(`${SCHEME}:///${service}`, ChannelCredentials.createInsecure(), {
    ...clientTransport,
    [RESOLVER_CONTEXT_KEY]: context,
  });
}

/**
 * The channel as any grpc-js stub uses it (`channelOverride`). A unary call without a deadline gets
 * the default, if a contract told that it is unary. Closing it is the mesh's business.
 */
export function stubChannel(
  channel: Channel,
  methods: MethodTable,
  defaultDeadlineMs: number,
): Channel {
  const stub: Channel = Object.create(channel);
  stub.createCall = (path, deadline, ...rest) => {
    const isOpenEnded = deadline === Infinity && methods.get(path)?.isUnary === true;
    const effective = isOpenEnded ? Date.now() + defaultDeadlineMs : deadline;
    return channel.createCall(path, effective, ...rest);
  };
  stub.close = () => {};
  return stub;
}
