import {
  ServerError,
  type ServerMiddleware,
  Status,
  type TsProtoServiceDefinition,
} from 'nice-grpc';
import type { Log } from './log.ts';
import { messageOf } from './message-of.ts';
import { overLimit, type SizeLimits } from './size-limits.ts';

type Method = TsProtoServiceDefinition['methods'][string];
type MessageType = Method['responseType'];

/** A response in its encoded form. */
class EncodedResponse {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/**
 * Encodes responses while their handler can still be told of an error. grpc-js encodes a response after the
 * handler has returned; if that fails, it returns a fixed text and logs nothing.
 */
export class EncodedResponses {
  readonly #types = new Map<string, MessageType>();
  readonly #limits: SizeLimits;
  readonly #log: Log;

  constructor(limits: SizeLimits, log: Log) {
    this.#limits = limits;
    this.#log = log;
  }

  /** The contract as the server must register it, so that its responses pass through the middleware. */
  definitionOf(definition: TsProtoServiceDefinition): TsProtoServiceDefinition {
    const methods = Object.entries(definition.methods).map(([key, method]) => {
      this.#types.set(`/${definition.fullName}/${method.name}`, method.responseType);
      return [key, { ...method, responseType: passedThrough(method.responseType) }] as const;
    });
    return { ...definition, methods: Object.fromEntries(methods) };
  }

  /**
   * A middleware that encodes responses. A response that cannot be encoded is logged and ends the call with
   * INTERNAL, one that is too large with RESOURCE_EXHAUSTED. The message of the status gives the reason.
   */
  middleware(): ServerMiddleware {
    const responses = this;
    return async function* encode(call, context) {
      const { path } = call.method;
      const type = responses.#types.get(path) as MessageType;
      const encoded = (response: unknown) => responses.#encode(path, type, response) as never;
      if (!call.responseStream) return encoded(yield* call.next(call.request, context));
      for await (const response of call.next(call.request, context)) yield encoded(response);
    };
  }

  #encode(path: string, type: MessageType, response: unknown): EncodedResponse {
    const bytes = this.#bytesOf(path, type, response);
    const { length } = bytes;
    if (length <= this.#limits.maxSendMessageBytes) return new EncodedResponse(bytes);
    const [what, where] = [`the response of ${path}`, 'the options of the server'];
    throw new ServerError(
      Status.RESOURCE_EXHAUSTED,
      overLimit(what, length, this.#limits, 'maxSendMessageBytes', where),
    );
  }

  #bytesOf(path: string, type: MessageType, response: unknown): Uint8Array {
    const { encode, fromPartial = (message: unknown) => message } = type;
    try {
      return encode(fromPartial(response)).finish();
    } catch (error) {
      this.#log.error({ err: error, method: path }, 'a response cannot be encoded');
      const reason = `the response of ${path} cannot be encoded: ${messageOf(error)}`;
      throw new ServerError(Status.INTERNAL, reason);
    }
  }
}

/** A message type whose messages are encoded already. */
function passedThrough({ decode }: MessageType): MessageType {
  return { decode, encode: ({ bytes }: EncodedResponse) => ({ finish: () => bytes }) };
}
