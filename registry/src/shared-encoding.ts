import {
  Event,
  Events,
  GetServiceResponse,
  type Instance,
  KeepAliveResponse,
  ListInstancesResponse,
  RegisterManyResponse,
  RegisterResponse,
  RegistryServiceDefinition,
  Snapshot,
  WatchResponse,
} from '@weft/proto/registry';
import { encodedInstance } from './encoded-instance.ts';

/** Tag of a field that holds a message. */
const tag = (field: number) => (field << 3) | 2;

interface Writer {
  uint32(value: number): Writer;
  bytes(value: Uint8Array): Writer;
  finish(): Uint8Array;
}

function writeInstances(writer: Writer, field: number, instances: readonly Instance[]): Writer {
  for (const instance of instances) writer.uint32(tag(field)).bytes(encodedInstance(instance));
  return writer;
}

/** Events never change, so neither do the bytes of a message that brings them. */
interface Batch {
  readonly message: WatchResponse;
  readonly bytes: Uint8Array;
}

/** The message that was last encoded with an event as its first. */
const batches = new WeakMap<Event, Batch>();

function isSame(one: WatchResponse, other: WatchResponse): boolean {
  const [events, others] = [one.events?.events ?? [], other.events?.events ?? []];
  return (
    one.stale === other.stale &&
    one.acknowledge === other.acknowledge &&
    events.length === others.length &&
    events.every((event, index) => event === others[index])
  );
}

/** The bytes of a message with events, made once for all watchers that get the same ones. */
export function encodedBatch(message: WatchResponse, { events, revision }: Events): Uint8Array {
  const [first] = events;
  const known = first && batches.get(first);
  if (known !== undefined && isSame(known.message, message)) return known.bytes;
  const batch = Events.encode({ events: [], revision });
  for (const { instance, ...rest } of events) {
    const event = Event.encode({ ...rest, instance: undefined });
    const whole = writeInstances(event, 2, instance === undefined ? [] : [instance]);
    batch.uint32(tag(1)).bytes(whole.finish());
  }
  const rest = WatchResponse.encode({ ...message, events: undefined });
  const bytes = rest.uint32(tag(2)).bytes(batch.finish()).finish();
  if (first !== undefined) batches.set(first, { message, bytes });
  return bytes;
}

type Encode = typeof WatchResponse.encode;

const encodeWatchResponse: Encode = (message) => {
  const { snapshot, events } = message;
  // gRPC asks an encoder for no more than its end.
  if (events !== undefined) {
    return { finish: () => encodedBatch(message, events) } as ReturnType<Encode>;
  }
  if (snapshot === undefined) return WatchResponse.encode(message);
  const part = Snapshot.encode({ ...snapshot, instances: [] });
  writeInstances(part, 1, snapshot.instances);
  const rest = WatchResponse.encode({ ...message, snapshot: undefined });
  return rest.uint32(tag(1)).bytes(part.finish());
};

const encodeGetServiceResponse: typeof GetServiceResponse.encode = (message, writer) => {
  const written = GetServiceResponse.encode({ ...message, instances: [] }, writer);
  writeInstances(written, 2, message.instances);
  return written;
};

const encodeListInstancesResponse: typeof ListInstancesResponse.encode = (message, writer) => {
  const written = ListInstancesResponse.encode({ ...message, instances: [] }, writer);
  writeInstances(written, 1, message.instances);
  return written;
};

/** What a handler answers is whole, and is not copied. */
function uncopied<Type extends object>(
  type: Type,
): Type & { fromPartial(message: unknown): never } {
  return { ...type, fromPartial: (message: unknown) => message as never };
}

const { methods } = RegistryServiceDefinition;

/**
 * The contract as the registry serves it: what is read of instances and events goes out as bytes that
 * were made once, whoever asks and however many watch. On the wire it is the same contract.
 */
export const SharedEncodingDefinition: typeof RegistryServiceDefinition = {
  ...RegistryServiceDefinition,
  methods: {
    ...methods,
    register: { ...methods.register, responseType: uncopied(RegisterResponse) },
    registerMany: { ...methods.registerMany, responseType: uncopied(RegisterManyResponse) },
    keepAlive: { ...methods.keepAlive, responseType: uncopied(KeepAliveResponse) },
    getService: {
      ...methods.getService,
      responseType: { ...uncopied(GetServiceResponse), encode: encodeGetServiceResponse },
    },
    listInstances: {
      ...methods.listInstances,
      responseType: { ...uncopied(ListInstancesResponse), encode: encodeListInstancesResponse },
    },
    watch: {
      ...methods.watch,
      responseType: { ...uncopied(WatchResponse), encode: encodeWatchResponse },
    },
  },
};
