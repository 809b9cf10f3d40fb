import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Longest time that the tests of a mutant may take; it may loop for ever. */
const LIMIT_MS = 10 * 60_000;

/** Ends the tests that run now. They have a process group, so that processes which they start end too. */
let endTests = () => {};

/** Ends the tests when this process is told to end, and calls `cleanUp`. */
export function endOnSignals(cleanUp: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endTests();
      cleanUp();
      process.exit(1);
    });
  }
}

/** The first test file that failed, `timeout` if the tests did not end, undefined if all passed. */
export function firstFailure(
  folder: string,
  tests: readonly string[],
): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const jest = join('node_modules', 'jest', 'bin', 'jest.js');
  const options = ['--maxWorkers=1', '--bail', '--silent', '--ci', '--runTestsByPath'];
  const child = spawn(process.execPath, [jest, ...options, ...tests], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  endTests = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(() => {
    endTests();
    resolve('timeout');
  }, LIMIT_MS);
  child.once('error', reject);
  child.once('close', (code) => {
    clearTimeout(timer);
    endTests = () => {};
    if (code === 0) return resolve(undefined);
    resolve(/^FAIL (\S+)/m.exec(output)?.[1] ?? `jest itself: ${output.slice(-500)}`);
  });
  return promise;
}
