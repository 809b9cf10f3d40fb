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
const sources = ['package-lock.json', 'tsconfig.json', 'proto', 'client-sdk'];

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

/** `npm pack` of the SDK and of what it needs, then `npm install` of that in an empty project. */
async function install(project: string): Promise<void> {
  rmSync(cache, { recursive: true, force: true });
  for (const workspace of ['proto', 'client-sdk']) {
    rmSync(join(root, workspace, 'dist'), { recursive: true, force: true });
  }
  const draft = `${project}.new`;
  mkdirSync(draft, { recursive: true });
  const workspaces = ['-w', 'proto', '-w', 'client-sdk'];
  await must('npm', ['pack', ...workspaces, '--pack-destination', draft], root);
  const archives = readdirSync(draft).filter((name) => name.endsWith('.tgz'));
  writeFileSync(join(draft, 'package.json'), '{ "private": true, "type": "module" }\n');
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const packages = [
    ...archives.map((name) => `./${name}`),
    `@types/node@${devDependencies['@types/node']}`,
  ];
  await must('npm', ['install', '--prefer-offline', '--no-audit', ...packages], draft);
  renameSync(draft, project);
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
  const installed = join(cache, sourceHash());
  await withLock(`${cache}.lock`, async () => {
    if (!existsSync(installed)) await install(installed);
  });
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
