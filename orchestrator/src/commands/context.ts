import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { type MeshFolder, meshFolder } from '../mesh-folder.ts';

/** Options that every command has. */
export interface GlobalOptions {
  /** Path of weft.yaml. */
  readonly file: string;
}

/** The global options, given before or after the command. */
export function globalOptions(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}

/** Where the mesh of a weft.yaml keeps its things. */
export function folderOf({ file }: GlobalOptions): MeshFolder {
  return meshFolder(join(dirname(resolve(file)), '.weft'));
}
