import { Channel, credentials, Metadata } from '@grpc/grpc-js';
import { clientTransport } from '@weft/proto';
import type { CallEnd } from '../harness/open-loop.ts';
import { type ArmSpec, type Caller, KEY_HEADER, request, writeRequest } from './caller.ts';
import { userStub } from './user-stub.ts';

const ATTEMPTS_HEADER = 'grpc-previous-rpc-attempts';

function retriesIn(metadata: Metadata): number {
  return Number(metadata.get(ATTEMPTS_HEADER)[0] ?? 0);
}

/** Calls through a grpc-js stub over `channel`, whatever is under it. */
export function grpcJsCaller(
  channel: Channel,
  { deadlineMs, tellsRetries = false }: Pick<ArmSpec, 'deadlineMs' | 'tellsRetries'>,
  close: () => void,
): Caller {
  const stub = userStub(channel);
  const call: Caller['call'] = ({ isWrite = false, key } = {}) =>
    new Promise<CallEnd>((resolve) => {
      const metadata = new Metadata();
      if (key !== undefined) metadata.set(KEY_HEADER, key);
      const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
      let retries = 0;
      const done = (error: { code: number; metadata: Metadata } | null) => {
        if (error === null) resolve({ code: 0, retries });
        else resolve({ code: error.code, retries: Math.max(retries, retriesIn(error.metadata)) });
      };
      const sent = isWrite
        ? stub.createUser(writeRequest, metadata, options, done)
        : stub.getUser(request, metadata, options, done);
      if (!tellsRetries) return;
      sent.on('metadata', (received: Metadata) => {
        retries = retriesIn(received);
      });
    });
  return { call, close };
}

/** grpc-js by itself: one address, or its round_robin over several, told as a static list. */
export function openBareChannel({ addresses = [], channelOptions = {} }: ArmSpec): Channel {
  const roundRobin = {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  };
  return new Channel(`ipv4:${addresses.join(',')}`, credentials.createInsecure(), {
    ...clientTransport,
    ...(addresses.length > 1 ? roundRobin : {}),
    ...channelOptions,
  });
}
