import {
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { reflectedContracts } from './descriptor-registry.ts';

/** What ts-proto generates for a message. */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function descriptorOf(typeName: string): DescMessage {
  const descriptor = reflectedContracts([]).getMessage(typeName);
  if (descriptor === undefined) throw new Error(`Weft has no message ${typeName}`);
  return descriptor;
}

/** A message of one of Weft's contracts as protobuf's JSON has it; `weft.registry.v1.Instance` names one. */
export function messageToJson<T>(typeName: string, codec: Codec<T>, message: T): JsonValue {
  const bytes = codec.encode(message).finish();
  return toJson(descriptorOf(typeName), fromBinary(descriptorOf(typeName), bytes));
}

/** The message that protobuf's JSON stands for. @throws Error saying what does not fit, and where */
export function messageFromJson<T>(typeName: string, codec: Codec<T>, json: JsonValue): T {
  const descriptor = descriptorOf(typeName);
  return codec.decode(toBinary(descriptor, fromJson(descriptor, json)));
}
