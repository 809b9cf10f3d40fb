import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrchestratorError } from './errors.ts';
import { takeLock } from './folder-lock.ts';
import { Leftovers } from './leftovers.ts';
import { type MeshFolder, meshFolder } from './mesh-folder.ts';
import { makePrivateFolder } from './private-files.ts';
import { readState } from './state-file.ts';

/** A folder that is younger and has no state may be that of a mesh which is just about to start. */
const YOUNG_MS = 60_000;

/** The folder of all temporary meshes of this user. */
function parentFolder(): string {
  return join(tmpdir(), `weft-meshes-${process.getuid?.() ?? 'user'}`);
}

/**
 * Makes a folder for a mesh that is stopped and removed after use. If its `weft` is killed, `endAbandonedMeshes` finds it.
 * @param purpose such as "demo"
 * @throws OrchestratorError if the folder of all temporary meshes belongs to another user
 */
export function createTemporaryMeshFolder(purpose: string): MeshFolder {
  const parent = parentFolder();
  makePrivateFolder(parent);
  const found = lstatSync(parent);
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid())) {
    throw new OrchestratorError(
      `${parent} belongs to another user; remove it, or set TMPDIR to a folder of your own`,
    );
  }
  return meshFolder(mkdtempSync(join(parent, `weft-${purpose}-`)));
}

/** Ends what runs in one temporary folder if its `weft` is gone, and removes it. @returns what was ended */
async function endIfAbandoned(folder: MeshFolder): Promise<string[]> {
  const state = readState(folder.stateFile);
  const changed = statSync(folder.path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (state === undefined && Date.now() - changed < YOUNG_MS) return [];
  const release = takeLock(folder.lockFile);
  // Its weft is alive, or another one is ending it.
  if (release === undefined) return [];
  try {
    const names = await new Leftovers(state).endAllBut([]);
    rmSync(folder.path, { recursive: true, force: true, maxRetries: 5 });
    return names;
  } finally {
    release();
  }
}

/**
 * Ends the meshes of every `weft demo` and `weft verify --live` that was killed, and removes their folders.
 * @returns the processes that were ended, such as "user-service-1 of weft-demo-x1B2c3"
 */
export async function endAbandonedMeshes(): Promise<string[]> {
  let names: string[] = [];
  try {
    const entries = readdirSync(parentFolder(), { withFileTypes: true });
    names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    // There has been no temporary mesh.
  }
  const ended = names.map(async (name) => {
    const processes = await endIfAbandoned(meshFolder(join(parentFolder(), name)));
    return processes.map((process) => `${process} of ${name}`);
  });
  return (await Promise.all(ended)).flat();
}
