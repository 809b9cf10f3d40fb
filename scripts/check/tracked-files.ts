import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../tools/program.ts';

/** Files of git, and new ones it does not ignore; without those deleted and not yet committed. */
export async function trackedFiles(): Promise<string[]> {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { code, output } = await run('git', args);
  if (code !== 0) throw new Error(`git ls-files failed: ${output}`);
  return output.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}
