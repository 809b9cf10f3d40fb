import { create, createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import type { Channel } from '@grpc/grpc-js';
import { importsFirst, messageOf, REFLECTION_VERSIONS } from '@weft/proto';
import type {
  ServerReflectionDefinition,
  ServerReflectionRequest,
  ServerReflectionResponse,
} from '@weft/proto/reflection';
import { type Client, ClientError, createClient, Status } from 'nice-grpc';
import { WeftError } from '../errors.ts';

type Question = Partial<Omit<ServerReflectionRequest, 'host'>>;

/** Asks all questions on one stream. Each answer is at the place of its question. */
type Ask = (questions: readonly Question[]) => Promise<ServerReflectionResponse[]>;

/** Most files that the contracts of one server may have: nothing that a peer sends grows without bound. */
const MOST_FILES = 1000;

/** The contracts that a server describes over reflection. */
export interface Reflected {
  /** The contracts of its services. */
  readonly files: FileRegistry;
  /** Services that it offers and does not describe: their contracts are unknown here. */
  readonly undescribed: readonly string[];
}

/**
 * Asks a server which services it offers and for their contracts, over grpc.reflection.v1 or v1alpha.
 *
 * @param timeoutMs longest time of each of the few calls that this takes
 * @throws WeftError REFLECTION_FAILED if the server has no reflection, or if its answers are unusable;
 *   ClientError if a call fails
 */
export async function reflect(channel: Channel, timeoutMs: number): Promise<Reflected> {
  const { ask, services } = await listServices(channel, timeoutMs);
  const files = new Map<string, FileDescriptorProto>();
  const undescribed: string[] = [];
  const add = ({ fileDescriptorResponse }: ServerReflectionResponse) => {
    for (const bytes of fileDescriptorResponse?.fileDescriptorProto ?? []) {
      const file = understood(() => fromBinary(FileDescriptorProtoSchema, bytes));
      files.set(file.name, file);
    }
  };
  const answers = await ask(services.map((fileContainingSymbol) => ({ fileContainingSymbol })));
  for (const [index, service] of services.entries()) {
    const answer = answers[index];
    if (answer?.fileDescriptorResponse === undefined) undescribed.push(service);
    else add(answer);
  }
  for (let missing = missingImports(files); missing.length > 0; missing = missingImports(files)) {
    if (files.size > MOST_FILES) throw failed(`the server describes over ${MOST_FILES} files`);
    for (const answer of await ask(missing.map((name) => ({ fileByFilename: name })))) {
      if (answer.errorResponse !== undefined) throw failed(answer.errorResponse.errorMessage);
      add(answer);
    }
    const lacking = missing.find((name) => !files.has(name));
    if (lacking !== undefined) throw failed(`the server does not describe the file ${lacking}`);
  }
  const set = create(FileDescriptorSetSchema, { file: importsFirst(files) });
  return { files: understood(() => createFileRegistry(set)), undescribed };
}

/** The services of a server, and how to ask it further: in the first version that it offers. */
async function listServices(
  channel: Channel,
  timeoutMs: number,
): Promise<{ ask: Ask; services: string[] }> {
  for (const definition of REFLECTION_VERSIONS) {
    const ask = asker(createClient(definition, channel), timeoutMs);
    try {
      const [list] = await ask([{ listServices: '' }]);
      if (list?.errorResponse !== undefined) throw failed(list.errorResponse.errorMessage);
      return { ask, services: list?.listServicesResponse?.service.map(({ name }) => name) ?? [] };
    } catch (error) {
      if (!(error instanceof ClientError && error.code === Status.UNIMPLEMENTED)) throw error;
    }
  }
  throw failed('the server offers no reflection, neither v1 nor v1alpha: register it there');
}

function asker(client: Client<typeof ServerReflectionDefinition>, timeoutMs: number): Ask {
  return async (questions) => {
    async function* requests() {
      yield* questions;
    }
    const answers = [];
    const signal = AbortSignal.timeout(timeoutMs);
    for await (const answer of client.serverReflectionInfo(requests(), { signal })) {
      answers.push(answer);
    }
    return answers;
  };
}

function missingImports(files: ReadonlyMap<string, FileDescriptorProto>): string[] {
  const imported = new Set([...files.values()].flatMap(({ dependency }) => dependency));
  return [...imported].filter((name) => !files.has(name));
}

function failed(message: string, options?: ErrorOptions): WeftError {
  return new WeftError('REFLECTION_FAILED', message, options);
}

function understood<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    const reason = messageOf(error);
    const message = `the server's description of its contracts cannot be understood: ${reason}`;
    throw failed(message, { cause: error });
  }
}
