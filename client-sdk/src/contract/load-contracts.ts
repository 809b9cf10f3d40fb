import type { AnyDefinition, Options, ServiceDefinition } from '@grpc/proto-loader';
import { messageOf } from '@weft/proto';
import { WeftError } from '../errors.ts';

function isService(definition: AnyDefinition): definition is ServiceDefinition {
  return !('format' in definition);
}

/**
 * Loads contracts from .proto files at run time, for programs that do without generated code: the
 * result goes to `mesh.channel(service, { contract })` and `makeClientConstructor` of grpc-js.
 *
 * @param files paths of .proto files
 * @param options of @grpc/proto-loader; by default 64-bit numbers and enums are strings, and fields
 *   that are not set have their default
 * @returns service definitions by full name: `user.v1.UserService`
 * @throws WeftError CONTRACT_UNREADABLE naming the files
 */
export async function loadContracts(
  files: readonly string[],
  options: Options = {},
): Promise<Record<string, ServiceDefinition>> {
  const defaults: Options = { longs: String, enums: String, defaults: true, oneofs: true };
  try {
    // Loaded here, as few programs need it: protobufjs takes 20 ms to load.
    const { load } = await import('@grpc/proto-loader');
    const definition = await load([...files], { ...defaults, ...options });
    const services = Object.entries(definition).filter(
      (entry): entry is [string, ServiceDefinition] => isService(entry[1]),
    );
    return Object.fromEntries(services);
  } catch (error) {
    const reason = messageOf(error);
    throw new WeftError(
      'CONTRACT_UNREADABLE',
      `cannot load the contracts in ${files.join(', ')}: ${reason}`,
      { cause: error },
    );
  }
}
