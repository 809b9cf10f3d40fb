import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, weftVersion } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import { runsFromSource } from '../output/weft-command.ts';
import { runNpm } from './run-npm.ts';

/** What a new service is made with. */
const NAMES = ['@weft/proto', '@weft/client-sdk', '@weft/registry', '@weft/orchestrator'];
/** Folder of the new project that holds packages which are in no npm registry. */
const VENDOR = 'vendor';

interface Manifest {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function readManifest(file: string): Manifest | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  } catch (error) {
    throw new OrchestratorError(`${file} cannot be read: ${messageOf(error)}; mend it first`);
  }
}

/** The nearest package.json, from a folder upwards, that asks for Weft, and its folder. */
function surroundings(from: string): { folder: string; asked: Map<string, string> } | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const { dependencies, devDependencies } = readManifest(join(folder, 'package.json')) ?? {};
    const all = Object.entries({ ...dependencies, ...devDependencies });
    const asked = new Map(all.filter(([name]) => NAMES.includes(name)));
    if (asked.size > 0) return { folder, asked };
    if (folder === dirname(folder)) return undefined;
  }
}

/** Packs the clone that this `weft` runs from; nothing of it is in an npm registry. */
async function packClone(vendor: string): Promise<void> {
  const root = join(import.meta.dirname, '..', '..', '..');
  const workspaces = NAMES.flatMap((name) => ['-w', name]);
  await runNpm(['pack', ...workspaces, '--pack-destination', vendor], root);
}

/** Copies the archives that the project around has its Weft from; those it has from elsewhere stay so. */
function copyArchives(from: string, vendor: string): Map<string, string> {
  const elsewhere = new Map<string, string>();
  const { folder, asked } = surroundings(from) ?? { folder: from, asked: new Map() };
  for (const [name, wanted] of asked) {
    if (!/^(file:|\.).*\.tgz$/.test(wanted)) {
      // A folder is named from where the new project is.
      const path = /^(?:file:|link:)?(\.\.?\/.*)$/.exec(wanted)?.[1];
      elsewhere.set(name, path === undefined ? wanted : `file:${resolve(folder, path)}`);
      continue;
    }
    const archive = resolve(folder, wanted.replace(/^file:/, ''));
    if (!existsSync(archive)) {
      throw new OrchestratorError(
        `${join(folder, 'package.json')} has ${name} from ${archive}, which is not there any more; pack it again with npm pack`,
      );
    }
    mkdirSync(vendor, { recursive: true });
    copyFileSync(archive, join(vendor, basename(archive)));
  }
  return elsewhere;
}

/**
 * How a new project in `project` is to ask for Weft's packages, by name: like the project around it, archives
 * being copied into its folder `vendor`; in a clone of the repository those are packed; else by version.
 * @param from Folder that `weft` was called in.
 * @throws OrchestratorError when an archive is gone or a clone cannot be packed
 */
export async function weftPackages(project: string, from: string): Promise<Map<string, string>> {
  const vendor = join(project, VENDOR);
  let elsewhere = new Map<string, string>();
  if (runsFromSource) {
    mkdirSync(vendor, { recursive: true });
    await packClone(vendor);
  } else {
    elsewhere = copyArchives(from, vendor);
  }
  const archives = existsSync(vendor) ? readdirSync(vendor) : [];
  return new Map(
    NAMES.map((name) => {
      const start = `${name.slice(1).replace('/', '-')}-`;
      const archive = archives.find((file) => file.startsWith(start) && file.endsWith('.tgz'));
      const vendored = archive && `file:${VENDOR}/${archive}`;
      return [name, vendored ?? elsewhere.get(name) ?? weftVersion()];
    }),
  );
}
