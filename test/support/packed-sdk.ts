import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../../scripts/tools/program.ts';
import { withLock } from './file-lock.ts';
import { tempFolder } from './temp-folder.ts';

const cache = join(root, '.cache', 'packed-sdk');
const packages = ['proto', 'client-sdk', 'registry', 'orchestrator'];
const sources = ['package-lock.json', 'tsconfig.json', ...packages];

function filesBelow(path: string): string[] {
  const full = join(root, path);
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full, { withFileTypes: true })
    .filter(({ name }) => name !== 'dist' && name !== 'node_modules')
    .flatMap(({ name }) => filesBelow(join(path, name)))
    .sort();
}

/** Of everything the packages are made from. */
function sourceHash(): string {
  const hash = createHash('sha256');
  for (const path of sources.flatMap(filesBelow)) {
    hash.update(path).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function must(program: string, args: string[], cwd: string): Promise<void> {
  const { code, output } = await run(program, args, { cwd });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} in ${cwd}:\n${output}`);
}

/** Makes a folder unless it is there; one that was not finished does not count. */
async function once(folder: string, make: (draft: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  const draft = `${folder}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  await make(draft);
  renameSync(draft, folder);
}

/** `npm pack` of all packages. Answers the folder of the archives, which is kept under `.cache`. */
export async function packedArchives(): Promise<string> {
  const current = join(cache, sourceHash());
  const archives = join(current, 'archives');
  await withLock(`${cache}.lock`, async () => {
    if (!existsSync(current)) rmSync(cache, { recursive: true, force: true });
    await once(archives, async (draft) => {
      for (const name of packages) {
        rmSync(join(root, name, 'dist'), { recursive: true, force: true });
      }
      const workspaces = packages.flatMap((name) => ['-w', name]);
      await must('npm', ['pack', ...workspaces, '--pack-destination', draft], root);
    });
  });
  return archives;
}

/** `npm install` of some packed packages, and of others by name and version, in an empty project. */
export async function installPacked(
  project: string,
  names: readonly string[],
  others: readonly string[] = [],
): Promise<void> {
  const archives = await packedArchives();
  const wanted = readdirSync(archives).filter((file) =>
    names.some((name) => file.startsWith(`weft-${name}-`)),
  );
  for (const file of wanted) cpSync(join(archives, file), join(project, file));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  const all = [...wanted.map((file) => `./${file}`), ...others];
  await must('npm', ['install', '--prefer-offline', '--no-audit', ...all], project);
}

/** A project with the SDK and what it needs; kept under `.cache`. */
async function installedSdk(): Promise<string> {
  const installed = join(await packedArchives(), '..', 'sdk');
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const types = `@types/node@${devDependencies['@types/node']}`;
  await withLock(`${cache}.sdk.lock`, () =>
    once(installed, (draft) => installPacked(draft, ['proto', 'client-sdk'], [types])),
  );
  return installed;
}

/** A project outside the repository that has the packed SDK installed and nothing else of Weft's. */
export interface PackedProject extends Disposable {
  readonly path: string;
  /**
   * Type-checks its programs as a user with the strictest settings would and compiles them to
   * JavaScript beside the sources. @throws Error with what the compiler says
   */
  compile(): Promise<void>;
}

/** Makes such a project with these programs, by file name. The installation is kept under `.cache`. */
export async function createPackedProject(
  programs: Readonly<Record<string, string>>,
): Promise<PackedProject> {
  const installed = await installedSdk();
  const folder = tempFolder('weft-packed-');
  const { path } = folder;
  // A copy, not a link: inside the repository an undeclared dependency would be found by accident.
  cpSync(installed, path, { recursive: true });
  const compilerOptions = {
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    module: 'nodenext',
    moduleResolution: 'nodenext',
    target: 'es2023',
    types: ['node'],
  };
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(path, name), text);
  return {
    path,
    compile: () => must(join(root, 'node_modules', '.bin', 'tsc'), ['-p', '.'], path),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
