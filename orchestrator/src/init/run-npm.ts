import { execFile } from 'node:child_process';
import { OrchestratorError } from '../errors.ts';

const MAX_OUTPUT = 16 * 1024 * 1024;
const SHOWN_LINES = 20;

/** Runs npm in a folder. @throws OrchestratorError with the end of what it wrote, when it fails or is missing */
export function runNpm(words: readonly string[], folder: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const options = { cwd: folder, maxBuffer: MAX_OUTPUT };
  execFile('npm', [...words, '--no-fund', '--no-audit'], options, (error, stdout, stderr) => {
    if (error === null) return resolve();
    const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-SHOWN_LINES).join('\n');
    const why = said === '' ? error.message : said;
    reject(new OrchestratorError(`\`npm ${words[0]}\` failed in ${folder}:\n${why}`));
  });
  return promise;
}
