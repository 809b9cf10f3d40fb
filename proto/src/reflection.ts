import { type DescFile, type FileRegistry, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { type ServiceImplementation, Status } from 'nice-grpc';
import {
  ServerReflectionDefinition,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../gen/grpc/reflection/v1/reflection.ts';
import { untilAborted } from './until-aborted.ts';

type Answer = Partial<ServerReflectionResponse>;

/** The versions of reflection, the preferred one first. Their messages are the same on the wire. */
export const REFLECTION_VERSIONS = [
  ServerReflectionDefinition,
  { ...ServerReflectionDefinition, fullName: 'grpc.reflection.v1alpha.ServerReflection' },
];

function notFound(what: string): Answer {
  return {
    errorResponse: { errorCode: Status.NOT_FOUND, errorMessage: `${what} is not known here` },
  };
}

/** The file that declares a message, enum, service or extension, or a member of one. */
function fileOfSymbol(registry: FileRegistry, symbol: string): DescFile | undefined {
  const owner = symbol.slice(0, symbol.lastIndexOf('.'));
  return (registry.get(symbol) ?? registry.get(owner))?.file;
}

/** Answers with a file and what it imports, leaving out what this stream has been sent already. */
function fileAnswer(file: DescFile | undefined, sent: Set<string>, what: string): Answer {
  if (file === undefined) return notFound(what);
  const fileDescriptorProto: Uint8Array[] = [];
  const visit = (next: DescFile, isAsked: boolean) => {
    if (sent.has(next.proto.name) && !isAsked) return;
    sent.add(next.proto.name);
    fileDescriptorProto.push(toBinary(FileDescriptorProtoSchema, next.proto));
    for (const dependency of next.dependencies) visit(dependency, false);
  };
  visit(file, true);
  return { fileDescriptorResponse: { fileDescriptorProto: fileDescriptorProto as Buffer[] } };
}

function answer(
  registry: FileRegistry,
  services: readonly string[],
  request: ServerReflectionRequest,
  sent: Set<string>,
): Answer {
  if (request.listServices !== undefined) {
    return { listServicesResponse: { service: services.map((name) => ({ name })) } };
  }
  if (request.fileByFilename !== undefined) {
    const name = request.fileByFilename;
    const file = registry.getFile(name);
    return fileAnswer(file, sent, `file '${name}'`);
  }
  if (request.fileContainingSymbol !== undefined) {
    const symbol = request.fileContainingSymbol;
    return fileAnswer(fileOfSymbol(registry, symbol), sent, `symbol '${symbol}'`);
  }
  if (request.fileContainingExtension !== undefined) {
    const { containingType, extensionNumber } = request.fileContainingExtension;
    const type = registry.getMessage(containingType);
    const extension = type && registry.getExtensionFor(type, extensionNumber);
    return fileAnswer(extension?.file, sent, `extension ${extensionNumber} of '${containingType}'`);
  }
  if (request.allExtensionNumbersOfType !== undefined) {
    const baseTypeName = request.allExtensionNumbersOfType;
    if (registry.getMessage(baseTypeName) === undefined) return notFound(`type '${baseTypeName}'`);
    const extensionNumber = [...registry]
      .filter((type) => type.kind === 'extension' && type.extendee.typeName === baseTypeName)
      .map((type) => (type.kind === 'extension' ? type.number : 0));
    return { allExtensionNumbersResponse: { baseTypeName, extensionNumber } };
  }
  return {
    errorResponse: {
      errorCode: Status.INVALID_ARGUMENT,
      errorMessage: 'the request asks for nothing',
    },
  };
}

/**
 * Server reflection over compiled contracts, lossless: files are answered as the compiler wrote them.
 * Serves grpc.reflection.v1 and, the messages being the same, v1alpha. Streams end when `closing` aborts.
 */
export function reflectionService(
  registry: FileRegistry,
  services: readonly string[],
  closing: AbortSignal,
): ServiceImplementation<typeof ServerReflectionDefinition> {
  return {
    async *serverReflectionInfo(requests) {
      const sent = new Set<string>();
      for await (const request of untilAborted(requests, closing)) {
        yield {
          validHost: request.host,
          originalRequest: request,
          ...answer(registry, services, request, sent),
        };
      }
    },
  };
}
