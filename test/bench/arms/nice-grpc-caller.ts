import { clientTransport } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import { type Client, createChannel, createClient } from 'nice-grpc';
import { ClientError } from 'nice-grpc-common';
import type { CallEnd } from '../harness/open-loop.ts';
import { type ArmSpec, type Caller, request, writeRequest } from './caller.ts';

const UNKNOWN = 2;

type UserClient = Pick<Client<typeof UserServiceDefinition>, 'getUser' | 'createUser'>;

/** Calls through a nice-grpc client, bare or the mesh's. */
export function niceGrpcCaller(client: UserClient, close: () => void): Caller {
  return {
    async call({ isWrite = false } = {}): Promise<CallEnd> {
      try {
        await (isWrite ? client.createUser(writeRequest) : client.getUser(request));
        return { code: 0, retries: 0 };
      } catch (error) {
        return { code: error instanceof ClientError ? error.code : UNKNOWN, retries: 0 };
      }
    },
    close,
  };
}

/** nice-grpc by itself, to one address. It has no deadlines of its own. */
export function bareNiceGrpcCaller({ addresses = [] }: ArmSpec): Caller {
  const channel = createChannel(addresses[0] ?? '', undefined, clientTransport);
  return niceGrpcCaller(createClient(UserServiceDefinition, channel), () => channel.close());
}
