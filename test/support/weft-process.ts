import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type MeshState, readState } from '../../orchestrator/src/state-file.ts';

const repository = join(import.meta.dirname, '..', '..');
const program = join(repository, 'orchestrator', 'src', 'main.ts');

/** What a `weft` command did. */
export interface WeftResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `weft` command that is running. */
export interface WeftProcess {
  readonly pid: number;
  /** What it wrote so far, both streams. */
  readonly output: () => string;
  readonly exited: Promise<WeftResult>;
  /** Waits until its output matches; fails, quoting the output, when it ends before or takes too long. */
  waitFor(pattern: RegExp, withinMs?: number): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

/** How to run `weft`. */
export interface WeftRun {
  /** Folder of weft.yaml. */
  readonly folder: string;
  /** Over the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The words that start the real `weft`. */
export function weftCommand(words: readonly string[]): string[] {
  return [process.execPath, '--conditions=weft-source', program, ...words];
}

/** Starts the real `weft` in a process of its own. */
export function startWeft(words: readonly string[], { folder, env = {} }: WeftRun): WeftProcess {
  const [node = '', ...parameters] = weftCommand(words);
  const child: ChildProcess = spawn(node, parameters, {
    cwd: folder,
    env: { ...process.env, ETCD_ENDPOINTS: '', WEFT_REGISTRY: '', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let result: WeftResult | undefined;
  const exited = new Promise<WeftResult>((resolve) => {
    child.once('close', (code) => {
      result = { code, stdout, stderr };
      resolve(result);
    });
  });
  const output = () => stderr + stdout;
  return {
    pid: child.pid ?? 0,
    output,
    exited,
    async waitFor(pattern, withinMs = 20_000) {
      const end = performance.now() + withinMs;
      while (!pattern.test(output())) {
        if (result !== undefined || performance.now() > end) {
          throw new Error(`weft ${words.join(' ')} did not say ${pattern}:\n${output()}`);
        }
        await sleep(20);
      }
    },
    signal: (signal) => void child.kill(signal),
  };
}

/** Runs a `weft` command to its end. */
export function runWeft(words: readonly string[], run: WeftRun): Promise<WeftResult> {
  return startWeft(words, run).exited;
}

/** Writes weft.yaml with these contents. Unless they say otherwise, its web page takes a port that no other test uses. */
export function writeWeftYaml(
  folder: string,
  contents: { readonly registry?: object; readonly [key: string]: unknown },
): void {
  const registry = { httpPort: 0, ...contents.registry };
  writeFileSync(join(folder, 'weft.yaml'), stringify({ ...contents, registry }));
}

/** The command of the stub service, see test/fixtures/stub-service.ts. */
export function stubCommand(name: string): string[] {
  return [
    'node',
    '--conditions=weft-source',
    join(repository, 'test', 'fixtures', 'stub-service.ts'),
    name,
  ];
}

/** What `weft up` of a folder wrote of itself. */
export function meshStateOf(folder: string): MeshState {
  const state = readState(join(folder, '.weft', 'state.json'));
  if (state === undefined) throw new Error(`no mesh is up in ${folder}`);
  return state;
}
