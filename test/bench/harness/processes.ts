import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../../scripts/tools/program.ts';
import type { Answer, Question } from './commands.ts';

const running = new Set<ChildProcess>();

/** On every way out of this process its children go too; a stopped one cannot see that we are gone. */
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(130));
}

/** A process of its own that does what it is asked: see `answerCommands`. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly ended: Promise<void>;
  #nextId = 1;
  #isEnded = false;

  /** @param file under test/bench @param nodeArgs further options of Node */
  constructor(file: string, args: readonly string[] = [], nodeArgs: readonly string[] = []) {
    const path = join(import.meta.dirname, '..', file);
    const execArgv = ['--conditions=weft-source', '--no-warnings', ...nodeArgs];
    const env = { ...process.env, NODE_COMPILE_CACHE: join(root, '.cache', 'compiled') };
    const child = fork(path, [...args], { execArgv, env, serialization: 'advanced' });
    this.#child = child;
    running.add(child);
    child.on('message', (answer: Answer) => this.#answered(answer));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    child.once('exit', (code, signal) => {
      running.delete(child);
      this.#isEnded = true;
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`${file} ended (${signal ?? `code ${code}`}) before it answered`));
      }
      this.#waiting.clear();
      resolve();
    });
  }

  /** Has it do `command`. @throws Error with what went wrong there */
  ask<T>(command: string, argument?: unknown): Promise<T> {
    if (this.#isEnded) return Promise.reject(new Error(`${command}: the process has ended`));
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    const question: Question = { id, command, argument };
    this.#child.send(question);
    return answer.promise as Promise<T>;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it at once, stopped or not. */
  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #answered({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }
}

/** Ends all workers that still run. */
export async function endWorkers(workers: Iterable<Worker>): Promise<void> {
  await Promise.all([...workers].map((worker) => worker.end()));
}
