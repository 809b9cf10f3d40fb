import { Channel, ChannelCredentials } from '@grpc/grpc-js';
import { UserServiceDefinition } from '@weft/proto/user';
import { type CallContext, createServer } from 'nice-grpc';
import { errorDetailsServerMiddleware } from 'nice-grpc-error-details';
import type { CallSettings } from '../../../../client-sdk/src/call/call-settings.ts';
import type { CallSite } from '../../../../client-sdk/src/call/call-site.ts';
import { planOf } from '../../../../client-sdk/src/call/method-plan.ts';
import { methodsOf } from '../../../../client-sdk/src/contract/contract.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';

/** What GetUser does. */
export type Handler = (id: string, context: CallContext) => Promise<string>;

/** A user-service of nice-grpc's, outside of any mesh, and a plain channel to it. Always close it. */
export interface PlainUserServer {
  readonly channel: Channel;
  /** Calls of GetUser that reached it. */
  readonly calls: number;
  handle(handler: Handler): void;
  site(settings?: CallSettings): CallSite;
  close(): Promise<void>;
}

export async function createPlainUserServer(): Promise<PlainUserServer> {
  let handler: Handler = async (id) => id;
  let calls = 0;
  const user = (id: string, name: string) => ({ user: { id, name } });
  const server = createServer().use(errorDetailsServerMiddleware);
  server.add(UserServiceDefinition, {
    getUser: async ({ id }, context) => {
      calls += 1;
      return user(id, await handler(id, context));
    },
    createUser: async ({ name }) => user('new', name),
    listUsers: async () => ({}),
  });
  const port = await server.listen('127.0.0.1:0');
  const channel = new Channel(`127.0.0.1:${port}`, ChannelCredentials.createInsecure(), {});
  const traits = new Map(methodsOf(UserServiceDefinition).map((each) => [each.path, each]));
  return {
    channel,
    get calls() {
      return calls;
    },
    handle: (next) => {
      handler = next;
    },
    site: (settings) => ({
      channel,
      stub: channel,
      settings,
      planOf: (path) => planOf(resolvePolicy(), traits.get(path)),
    }),
    close: async () => {
      channel.close();
      await server.shutdown();
    },
  };
}
