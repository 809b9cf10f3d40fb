import {
  type ClientDuplexStream,
  type CallOptions as GrpcCallOptions,
  Metadata as GrpcMetadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { Metadata } from 'nice-grpc';
import type { InteropCallOptions, InteropClient } from './cases.ts';

/** A stub has a method for each of the contract, which TypeScript cannot know. */
type Stub = Record<keyof InteropClient, (...args: unknown[]) => StubCall>;
type StubCall = ClientDuplexStream<object, never>;

function toGrpc({ metadata, timeoutMs }: InteropCallOptions): [GrpcMetadata, GrpcCallOptions] {
  const sent = new GrpcMetadata();
  for (const [key, values] of metadata ?? []) {
    for (const value of values) {
      sent.add(key, typeof value === 'string' ? value : Buffer.from(value));
    }
  }
  return [sent, timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }];
}

function fromGrpc(received: GrpcMetadata): Metadata {
  const metadata = Metadata();
  for (const key of Object.keys(received.getMap())) metadata.set(key, received.get(key));
  return metadata;
}

function follow(call: StubCall, { onHeader, onTrailer, signal }: InteropCallOptions): StubCall {
  call.on('metadata', (header: GrpcMetadata) => onHeader?.(fromGrpc(header)));
  call.on('status', (end: { metadata: GrpcMetadata }) => onTrailer?.(fromGrpc(end.metadata)));
  signal?.addEventListener('abort', () => call.cancel());
  return call;
}

async function send(requests: AsyncIterable<object>, call: StubCall): Promise<void> {
  for await (const request of requests) call.write(request);
  call.end();
}

/** A stub of grpc-js behind the same methods as a client of the mesh. */
export function stubClient(client: InstanceType<ServiceClientConstructor>): InteropClient {
  const stub = client as unknown as Stub;
  const single =
    (name: keyof InteropClient) =>
    (request: object, options: InteropCallOptions = {}) =>
      new Promise<never>((resolve, reject) => {
        const done = (error: Error | null, response: never) =>
          error === null ? resolve(response) : reject(error);
        follow(stub[name](request, ...toGrpc(options), done), options);
      });
  return {
    emptyCall: single('emptyCall'),
    unaryCall: single('unaryCall'),
    unimplementedCall: single('unimplementedCall'),
    streamingInputCall: (requests, options = {}) =>
      new Promise<never>((resolve, reject) => {
        const done = (error: Error | null, response: never) =>
          error === null ? resolve(response) : reject(error);
        const call = follow(stub.streamingInputCall(...toGrpc(options), done), options);
        send(requests, call).catch(reject);
      }),
    streamingOutputCall: (request, options = {}) =>
      follow(stub.streamingOutputCall(request, ...toGrpc(options)), options),
    fullDuplexCall: (requests, options = {}) => {
      const call = follow(stub.fullDuplexCall(...toGrpc(options)), options);
      send(requests, call).catch((error: Error) => call.destroy(error));
      return call;
    },
  };
}
