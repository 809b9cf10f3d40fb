import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { root } from '../../../scripts/tools/program.ts';

/** The file of the contract, for those that load it themselves. */
export const INTEROP_PROTO = join(import.meta.dirname, 'testing.proto');

/** The contract, compiled. */
export const interopDescriptors: Uint8Array = execFileSync(
  join(root, 'node_modules', '.bin', 'buf'),
  ['build', import.meta.dirname, '-o', '-#format=binpb'],
);

const files = createFileRegistry(fromBinary(FileDescriptorSetSchema, interopDescriptors));

export interface Payload {
  body: Uint8Array;
}

interface EchoStatus {
  code: number;
  message: string;
}

export interface SimpleRequest {
  responseSize?: number;
  payload?: Payload | undefined;
  responseStatus?: EchoStatus | undefined;
  fillServerId?: boolean;
}

export interface SimpleResponse {
  payload?: Payload | undefined;
  serverId?: string;
}

export interface InputRequest {
  payload?: Payload | undefined;
}

export interface InputResponse {
  aggregatedPayloadSize: number;
}

export interface OutputRequest {
  responseParameters?: { size: number; intervalUs?: number }[];
  payload?: Payload | undefined;
  responseStatus?: EchoStatus | undefined;
}

export interface OutputResponse {
  payload?: Payload | undefined;
}

/** A message as the mesh takes it from generated code. */
function message<T extends object>(name: string) {
  const desc = files.getMessage(`grpc.testing.${name}`) as DescMessage;
  const created = (value: unknown) => create(desc, value as Record<string, unknown>);
  return {
    encode: (value: T) => ({ finish: () => toBinary(desc, created(value)) }),
    decode: (bytes: Uint8Array): T => fromBinary(desc, bytes) as unknown as T,
    fromPartial: (partial: object): T => created(partial) as unknown as T,
  };
}

const empty = message<object>('Empty');
const unary = { requestStream: false, responseStream: false, options: {} } as const;

/** `grpc.testing.TestService`, as ts-proto would generate it. */
export const TestServiceDefinition = {
  name: 'TestService',
  fullName: 'grpc.testing.TestService',
  methods: {
    emptyCall: { ...unary, name: 'EmptyCall', requestType: empty, responseType: empty },
    unaryCall: {
      ...unary,
      name: 'UnaryCall',
      requestType: message<SimpleRequest>('SimpleRequest'),
      responseType: message<SimpleResponse>('SimpleResponse'),
    },
    streamingOutputCall: {
      ...unary,
      name: 'StreamingOutputCall',
      requestType: message<OutputRequest>('StreamingOutputCallRequest'),
      responseType: message<OutputResponse>('StreamingOutputCallResponse'),
      responseStream: true,
    },
    streamingInputCall: {
      ...unary,
      name: 'StreamingInputCall',
      requestType: message<InputRequest>('StreamingInputCallRequest'),
      responseType: message<InputResponse>('StreamingInputCallResponse'),
      requestStream: true,
    },
    fullDuplexCall: {
      ...unary,
      name: 'FullDuplexCall',
      requestType: message<OutputRequest>('StreamingOutputCallRequest'),
      responseType: message<OutputResponse>('StreamingOutputCallResponse'),
      requestStream: true,
      responseStream: true,
    },
    unimplementedCall: {
      ...unary,
      name: 'UnimplementedCall',
      requestType: empty,
      responseType: empty,
    },
  },
} as const;

/** `grpc.testing.UnimplementedService`, which no server offers. */
export const UnimplementedServiceDefinition = {
  name: 'UnimplementedService',
  fullName: 'grpc.testing.UnimplementedService',
  methods: { unimplementedCall: TestServiceDefinition.methods.unimplementedCall },
} as const;
