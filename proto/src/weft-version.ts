import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

let version: string | undefined;

function readVersion(): string {
  try {
    const manifest = findPackageJSON('..', import.meta.filename);
    const read = manifest === undefined ? {} : JSON.parse(readFileSync(manifest, 'utf8'));
    return read.name === '@weft/proto' ? String(read.version) : '';
  } catch {
    return '';
  }
}

/** Version of the Weft that runs: that of this package. Empty where it was bundled into another program. */
export function weftVersion(): string {
  version ??= readVersion();
  return version;
}
