import { MAX_MESSAGE_BYTES } from '@weft/proto';
import type { CallRecord } from '../balancer/call-record.ts';
import { BaseFilter, type ConfigSelector, type Filter } from '../grpc-experimental.ts';

type FilterFactory = ReturnType<ConfigSelector['invoke']>['dynamicFilterFactories'][number];
type Message = Parameters<Filter['sendMessage']>[0];

/**
 * Notes in its record when a call has a message too large to send. gRPC ends such a call with
 * RESOURCE_EXHAUSTED after it was begun, which must not count against the instance it went to.
 */
class MessageSizeFilter extends BaseFilter implements Filter {
  readonly #call: CallRecord;

  constructor(call: CallRecord) {
    super();
    this.#call = call;
  }

  override async sendMessage(message: Message): Message {
    const outgoing = await message;
    if (outgoing.message.length > MAX_MESSAGE_BYTES) this.#call.isUnsendable = true;
    return outgoing;
  }
}

export function messageSizeFilter(call: CallRecord): FilterFactory {
  return { createFilter: () => new MessageSizeFilter(call) };
}
