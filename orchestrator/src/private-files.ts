import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';

/** Makes a folder that no other user can look into, and those above it that are missing. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(path);
  // Earlier versions made folders that every user could read. A folder of another user stays as it is.
  if ((mode & 0o077) !== 0 && uid === process.getuid?.()) chmodSync(path, 0o700);
}

/** Makes a file that no other user can read, unless it is there. */
export function makePrivateFile(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}
