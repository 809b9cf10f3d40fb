import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether this is a clone of the repository, and no installed package. */
export const runsFromSource = import.meta.filename.endsWith('.ts');

/** Whether a user can type `weft` in a terminal. What npm adds to $PATH while it runs a script is not there then. */
function isInPath(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => {
    if (folder === '' || folder.includes('node_modules') || folder.includes('_npx')) return false;
    try {
      accessSync(join(folder, 'weft'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

let weft: string | undefined;

/** A command to copy, such as `weft down`, as the user can type it: in a clone, npm runs weft; in a project, npx does. */
export function weftCommand(words: string): string {
  if (runsFromSource) weft ??= 'npm run weft --';
  weft ??= isInPath() ? 'weft' : 'npx weft';
  return `${weft} ${words}`;
}
