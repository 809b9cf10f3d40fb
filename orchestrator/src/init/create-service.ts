import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SERVICE_NAME } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import { parseTopology } from '../topology/parse-topology.ts';
import { runNpm } from './run-npm.ts';
import { serviceNames } from './service-names.ts';
import { newServiceFiles } from './template.ts';
import { weftPackages } from './weft-packages.ts';

const SHOWN_ENTRIES = 5;

export interface NewService {
  /** Folder of the project, its last part the name of the service. */
  readonly path: string;
  /** Whether to run `npm install` in it. */
  readonly install: boolean;
  /** Folder that `weft` was called in. */
  readonly from: string;
  /** Told what goes on. */
  readonly onProgress: (text: string) => void;
}

/** What was made. */
export interface CreatedService {
  readonly name: string;
  readonly folder: string;
  /** Paths below the folder, sorted. */
  readonly files: readonly string[];
  readonly installed: boolean;
}

function checkFolder(folder: string): void {
  if (!existsSync(folder)) return;
  const entries = readdirSync(folder);
  if (entries.length === 0) return;
  const shown = entries.slice(0, SHOWN_ENTRIES).join(', ');
  const more = entries.length > SHOWN_ENTRIES ? ` and ${entries.length - SHOWN_ENTRIES} more` : '';
  throw new OrchestratorError(
    `${folder} is not empty (${shown}${more}); name a folder that is, or is not there yet`,
  );
}

/**
 * Makes a new service that runs, with a test of its own.
 * @throws OrchestratorError for a name that no service may have or a folder that is not empty, nothing being
 * written then; when packing or installing fails, with what is there left to look at
 */
export async function createService(wanted: NewService): Promise<CreatedService> {
  const { install, from, onProgress } = wanted;
  const folder = resolve(from, wanted.path);
  const name = basename(folder);
  if (!SERVICE_NAME.pattern.test(name)) {
    throw new OrchestratorError(
      `'${name}' is no name of a service, which must be ${SERVICE_NAME.mustBe}; choose another, such as guest-book`,
    );
  }
  // The names that Weft keeps for itself are refused here as in any weft.yaml.
  parseTopology(`services: { ${name}: { command: node } }`, join(folder, 'weft.yaml'));
  checkFolder(folder);
  onProgress("getting Weft's packages");
  mkdirSync(folder, { recursive: true });
  const packages = await weftPackages(folder, from);
  const files = newServiceFiles(serviceNames(name), packages);
  for (const [path, text] of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  if (install) {
    onProgress('npm install');
    await runNpm(['install', '--prefer-offline'], folder);
  }
  return { name, folder, files: [...files.keys()].sort(), installed: install };
}
