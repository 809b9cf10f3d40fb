import { Metadata, status } from '@grpc/grpc-js';
import { headerFault, metadataBytes, overLimit, type SizeLimits } from '@weft/proto';
import type { ConfigSelector, Filter } from '../grpc-experimental.ts';
import type { PlannedCall } from './planned-call.ts';

type FilterFactory = ReturnType<ConfigSelector['invoke']>['dynamicFilterFactories'][number];
type Message = Parameters<Filter['sendMessage']>[0];
type CallStatus = Parameters<Filter['receiveTrailers']>[0];

/** Where to raise a limit of a call. */
export function whereToRaise(service: string): string {
  return `the policy of ${service} or the options of the call`;
}

/**
 * Applies the size limits to what a call sends. Metadata is checked before an instance is picked. Metadata
 * that HTTP/2 cannot carry fails the call with INVALID_ARGUMENT, as it would cost the connection.
 * `GrpcAttempt` applies the limits for receiving.
 */
export class CallLimits implements Filter, FilterFactory {
  readonly #service: string;
  readonly #limits: SizeLimits;
  readonly #refusal: CallStatus | undefined;

  constructor(service: string, { sizeLimits }: PlannedCall, metadata: Metadata) {
    this.#service = service;
    this.#limits = sizeLimits;
    this.#refusal = this.#refusalOf(metadata);
  }

  createFilter(): this {
    return this;
  }

  sendMetadata(metadata: Promise<Metadata>): Promise<Metadata> {
    // grpc-js ends the call with the status that the promise rejects with.
    return this.#refusal === undefined ? metadata : Promise.reject(this.#refusal);
  }

  async sendMessage(message: Message): Message {
    const sent = await message;
    const { length } = sent.message;
    if (length <= this.#limits.maxSendMessageBytes) return sent;
    throw this.#tooLarge('the request message', length, 'maxSendMessageBytes');
  }

  receiveMetadata(metadata: Metadata): Metadata {
    return metadata;
  }

  receiveMessage(message: Promise<Buffer>): Promise<Buffer> {
    return message;
  }

  receiveTrailers(end: CallStatus): CallStatus {
    return end;
  }

  #refusalOf(metadata: Metadata): CallStatus | undefined {
    const details = headerFault(metadata);
    if (details !== undefined) {
      return { code: status.INVALID_ARGUMENT, details, metadata: new Metadata() };
    }
    const bytes = metadataBytes(metadata);
    if (bytes <= this.#limits.maxSendMetadataBytes) return undefined;
    return this.#tooLarge('the request metadata', bytes, 'maxSendMetadataBytes');
  }

  #tooLarge(what: string, bytes: number, setting: keyof SizeLimits): CallStatus {
    const details = overLimit(what, bytes, this.#limits, setting, whereToRaise(this.#service));
    return { code: status.RESOURCE_EXHAUSTED, details, metadata: new Metadata() };
  }
}
