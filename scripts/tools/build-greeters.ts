import {
  accessSync,
  constants,
  copyFileSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { blocksOf } from '../../test/support/readme.ts';
import { findProgram, root, run } from './program.ts';

/** Packages of the Python example, at the versions that the tests have passed with. */
const PYTHON_PACKAGES = ['grpcio==1.85.3', 'grpcio-health-checking==1.85.1'];

const goFolder = join(root, '.cache', 'go-greeter');
const goGreeter = join(goFolder, 'greeter');
const goModule = join(root, 'test', 'fixtures', 'go-greeter');
const pythonFolder = join(root, '.cache', 'python-grpc');
const python = join(pythonFolder, 'bin', 'python');

/** The text of a file that the orchestrator's README shows. */
export function shownFile(name: string): string {
  const readme = readFileSync(join(root, 'orchestrator', 'README.md'), 'utf8');
  const block = blocksOf(readme).find(({ words }) => words.includes(name));
  if (block === undefined) throw new Error(`orchestrator/README.md shows no ${name}`);
  return block.text;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The Go server of the orchestrator's README; undefined unless it was built from what is shown there now. */
export function findGoGreeter(): string | undefined {
  try {
    const isCurrent = readFileSync(join(goFolder, 'main.go'), 'utf8') === shownFile('main.go');
    return isCurrent && isExecutable(goGreeter) ? goGreeter : undefined;
  } catch {
    return undefined;
  }
}

/** Builds it. @returns why that is not possible, else undefined */
export async function buildGoGreeter(say: (text: string) => void): Promise<string | undefined> {
  const go = findProgram('go');
  if (go === undefined) return 'there is no Go to build it with';
  say('building the Go server of orchestrator/README.md ...');
  mkdirSync(goFolder, { recursive: true });
  for (const name of ['go.mod', 'go.sum']) copyFileSync(join(goModule, name), join(goFolder, name));
  const source = shownFile('main.go');
  writeFileSync(join(goFolder, 'new.go'), source);
  const build = await run(go, ['build', '-o', goGreeter, 'new.go'], { cwd: goFolder });
  if (build.code !== 0) return `go build failed: ${build.output.trim()}`;
  writeFileSync(join(goFolder, 'main.go'), source);
  return undefined;
}

/** A Python with grpcio; undefined if it is not installed. */
export function findPythonGrpc(): string | undefined {
  return isExecutable(join(dirname(python), 'grpc-installed')) ? python : undefined;
}

/** Installs it into a virtual environment below `.cache`. @returns why that is not possible, else undefined */
export async function installPythonGrpc(say: (text: string) => void): Promise<string | undefined> {
  const base = findProgram('python3');
  if (base === undefined) return 'there is no Python 3';
  say('installing grpcio into .cache/python-grpc ...');
  const made = await run(base, ['-m', 'venv', '--clear', pythonFolder]);
  if (made.code !== 0) return `python3 -m venv failed: ${made.output.trim()}`;
  const installed = await run(python, ['-m', 'pip', 'install', '--quiet', ...PYTHON_PACKAGES]);
  if (installed.code !== 0) return `pip install failed: ${installed.output.trim()}`;
  writeFileSync(join(dirname(python), 'grpc-installed'), '', { mode: 0o755 });
  return undefined;
}
