import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

let version: string | undefined;

/** Version of the Weft that runs: that of this package. */
export function weftVersion(): string {
  if (version === undefined) {
    const manifest = findPackageJSON('..', import.meta.filename);
    const read = manifest === undefined ? {} : JSON.parse(readFileSync(manifest, 'utf8'));
    version = String(read.version ?? '');
  }
  return version;
}
