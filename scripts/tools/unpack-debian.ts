import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { lastLine } from './apt-install.ts';
import { cachedPrograms, findProgram, root, run } from './program.ts';

/**
 * Unpacks packages of Debian into a folder below `.cache` and links their programs into `.cache/bin`:
 * nothing else on the machine changes, and no service of theirs is started. Needs no root.
 * Answers why that is not possible, else undefined.
 */
export async function unpackDebian(
  folderName: string,
  packages: readonly string[],
  programs: readonly string[],
): Promise<string | undefined> {
  if (findProgram('dpkg-deb') === undefined) return 'there is no dpkg-deb to unpack them with';
  const folder = join(root, '.cache', folderName);
  const apt = join(folder, 'apt');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(apt, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(apt, 'archives', 'partial'), { recursive: true });
  const own = ['-o', `Dir::State::lists=${apt}/lists`, '-o', `Dir::Cache=${apt}`];
  const download = (options: string[]) =>
    run('apt-get', [...options, 'download', ...packages], { cwd: folder });
  if ((await download([])).code !== 0) {
    await run('apt-get', [...own, 'update'], { cwd: folder });
    const { code, output } = await download(own);
    if (code !== 0) return `apt-get download failed: ${lastLine(output)}`;
  }
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
    const { code, output } = await run('dpkg-deb', ['-x', join(folder, file), folder]);
    if (code !== 0) return `dpkg-deb could not unpack ${file}: ${lastLine(output)}`;
    rmSync(join(folder, file));
  }
  rmSync(apt, { recursive: true, force: true });
  mkdirSync(cachedPrograms, { recursive: true });
  for (const program of programs) {
    const link = join(cachedPrograms, program);
    rmSync(link, { force: true });
    symlinkSync(join(folder, 'usr', 'bin', program), link);
  }
  return undefined;
}
