import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';

/**
 * Orders files of contracts so that each file comes after the files that it imports. Ignores imports
 * that `files` lacks, and breaks cycles: a peer may describe both.
 *
 * @param files by their names
 */
export function importsFirst(
  files: ReadonlyMap<string, FileDescriptorProto>,
): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const visit = (file: FileDescriptorProto, path: readonly FileDescriptorProto[]) => {
    if (ordered.has(file) || path.includes(file)) return;
    for (const name of file.dependency) {
      const dependency = files.get(name);
      if (dependency !== undefined) visit(dependency, [...path, file]);
    }
    ordered.add(file);
  };
  for (const file of files.values()) visit(file, []);
  return [...ordered];
}
