import { setTimeout } from 'node:timers/promises';
import type { Route } from '@weft/proto';
import { type CallContext, ServerError } from 'nice-grpc';
import {
  type InputRequest,
  type OutputRequest,
  type OutputResponse,
  type Payload,
  type SimpleRequest,
  type SimpleResponse,
  TestServiceDefinition,
} from './contract.ts';

/** Metadata that a server sends back: the first in its headers, the second in its trailers. */
const ECHO_HEADER = 'x-grpc-test-echo-initial';
const ECHO_TRAILER = 'x-grpc-test-echo-trailing-bin';

const payloadOf = (size: number): Payload => ({ body: new Uint8Array(size) });

function echoMetadata({ metadata, header, trailer, sendHeader }: CallContext): void {
  const first = metadata.get(ECHO_HEADER);
  if (first !== undefined) header.set(ECHO_HEADER, first);
  const last = metadata.get(ECHO_TRAILER);
  if (last !== undefined) trailer.set(ECHO_TRAILER, last);
  sendHeader();
}

function throwStatus({ responseStatus }: SimpleRequest | OutputRequest): void {
  if (responseStatus === undefined || responseStatus.code === 0) return;
  throw new ServerError(responseStatus.code, responseStatus.message);
}

async function* responsesTo(request: OutputRequest): AsyncGenerator<OutputResponse> {
  for (const { size, intervalUs = 0 } of request.responseParameters ?? []) {
    if (intervalUs > 0) await setTimeout(intervalUs / 1000);
    yield { payload: payloadOf(size) };
  }
}

const handlers = {
  emptyCall: async () => ({}),

  async unaryCall(request: SimpleRequest, context: CallContext): Promise<SimpleResponse> {
    echoMetadata(context);
    throwStatus(request);
    const serverId = request.fillServerId ? 'weft' : '';
    return { payload: payloadOf(request.responseSize ?? 0), serverId };
  },

  streamingOutputCall: responsesTo,

  async streamingInputCall(requests: AsyncIterable<InputRequest>) {
    let aggregatedPayloadSize = 0;
    for await (const { payload } of requests) aggregatedPayloadSize += payload?.body.length ?? 0;
    return { aggregatedPayloadSize };
  },

  async *fullDuplexCall(requests: AsyncIterable<OutputRequest>, context: CallContext) {
    echoMetadata(context);
    for await (const request of requests) {
      throwStatus(request);
      yield* responsesTo(request);
    }
  },
};

/** gRPC's interoperability service. As the cases demand, UnimplementedCall has no handler. */
export const interopRoute: Route = { definition: TestServiceDefinition, implementation: handlers };
