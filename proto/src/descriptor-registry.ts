import { create, createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { weftDescriptorSet } from '../gen/descriptor-set.ts';
import { importsFirst } from './imports-first.ts';
import { messageOf } from './message-of.ts';

type Files = ReadonlyMap<string, FileDescriptorProto>;

function filesOf(descriptorSet: Uint8Array, position: number): Files {
  try {
    const { file } = fromBinary(FileDescriptorSetSchema, descriptorSet);
    return new Map(file.map((each) => [each.name, each]));
  } catch (error) {
    const what = `descriptor set ${position} is not a google.protobuf.FileDescriptorSet`;
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error });
  }
}

/** The files of one set, and those that they import from the other sets. */
function completed(own: Files, others: readonly Files[]): Files {
  const files = new Map(own);
  // A map visits the entries that are added on the way too.
  for (const { dependency } of files.values()) {
    for (const name of dependency) {
      const imported = files.get(name) ?? others.find((each) => each.has(name))?.get(name);
      if (imported !== undefined) files.set(name, imported);
    }
  }
  return files;
}

/**
 * One registry over the files of several compiled contracts.
 *
 * Each set is read on its own, so that two sets may describe different files of the same name. The
 * registry then has the file and the types of the earlier set. A file that a set imports and does not
 * have comes from the first other set that has it.
 *
 * @param descriptorSets each a google.protobuf.FileDescriptorSet
 * @throws Error naming the set, counted from 0, that is none or that lacks a file
 */
export function descriptorRegistry(descriptorSets: readonly Uint8Array[]): FileRegistry {
  const sets = descriptorSets.map(filesOf);
  const registries = sets.map((own, position) => {
    const file = importsFirst(completed(own, sets));
    try {
      return createFileRegistry(create(FileDescriptorSetSchema, { file }));
    } catch (error) {
      const reason = messageOf(error);
      const advice = 'compile it with all its imports (protoc --include_imports)';
      throw new Error(`descriptor set ${position}: ${reason}; ${advice}`, { cause: error });
    }
  });
  return createFileRegistry(...registries.toReversed());
}

let ownContracts: FileRegistry | undefined;

/**
 * What a server describes over reflection: the given contracts and Weft's own.
 * @throws Error as `descriptorRegistry`
 */
export function reflectedContracts(descriptorSets: readonly Uint8Array[]): FileRegistry {
  if (descriptorSets.length > 0) return descriptorRegistry([...descriptorSets, weftDescriptorSet]);
  // Read once for the whole process: this takes some 10 ms.
  ownContracts ??= descriptorRegistry([weftDescriptorSet]);
  return ownContracts;
}
