import { create, createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import type { Channel } from '@grpc/grpc-js';
import { importsFirst, messageOf } from '@weft/proto';
import { ServerReflectionDefinition, type ServerReflectionRequest } from '@weft/proto/reflection';
import { createClient } from 'nice-grpc';
import { WeftError } from '../errors.ts';

type Question = Partial<Omit<ServerReflectionRequest, 'host'>>;

/** More files than this of one service are not believed: nothing a peer sends grows without bound. */
const MOST_FILES = 1000;

/**
 * Asks a server, over grpc.reflection.v1, what it serves and the contracts of it.
 * @throws WeftError REFLECTION_FAILED when what it tells is no such thing; ClientError when the call fails
 */
export async function reflect(channel: Channel, timeoutMs: number): Promise<FileRegistry> {
  const client = createClient(ServerReflectionDefinition, channel);
  const ask = async (questions: readonly Question[]) => {
    async function* requests() {
      yield* questions;
    }
    const answers = [];
    const signal = AbortSignal.timeout(timeoutMs);
    for await (const answer of client.serverReflectionInfo(requests(), { signal })) {
      if (answer.errorResponse !== undefined) {
        throw new WeftError('REFLECTION_FAILED', answer.errorResponse.errorMessage);
      }
      answers.push(answer);
    }
    return answers;
  };

  const [list] = await ask([{ listServices: '' }]);
  const services = (list?.listServicesResponse?.service ?? []).map(({ name }) => name);
  const files = new Map<string, FileDescriptorProto>();
  let questions: Question[] = services.map((fileContainingSymbol) => ({ fileContainingSymbol }));
  while (questions.length > 0) {
    const answers = await ask(questions);
    for (const bytes of answers.flatMap(
      (a) => a.fileDescriptorResponse?.fileDescriptorProto ?? [],
    )) {
      const file = understood(() => fromBinary(FileDescriptorProtoSchema, bytes));
      files.set(file.name, file);
    }
    const missing = new Set([...files.values()].flatMap(({ dependency }) => dependency));
    questions = [...missing]
      .filter((name) => !files.has(name))
      .map((fileByFilename) => ({ fileByFilename }));
    if (files.size > MOST_FILES) {
      throw new WeftError('REFLECTION_FAILED', `the server describes over ${MOST_FILES} files`);
    }
  }
  const set = create(FileDescriptorSetSchema, { file: importsFirst(files) });
  return understood(() => createFileRegistry(set));
}

function understood<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    const reason = messageOf(error);
    const message = `the server's description of its contracts cannot be understood: ${reason}`;
    throw new WeftError('REFLECTION_FAILED', message, { cause: error });
  }
}
