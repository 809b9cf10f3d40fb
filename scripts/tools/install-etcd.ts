import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { aptInstall, lastLine } from './apt-install.ts';
import { cachedPrograms, findProgram, root, run } from './program.ts';

const packages = ['etcd-server', 'etcd-client'];

/** As anyone else: the packages are unpacked below `.cache` and nothing on the machine changes. */
async function unpack(): Promise<string | undefined> {
  if (findProgram('dpkg-deb') === undefined) return 'there is no dpkg-deb to unpack them with';
  const folder = join(root, '.cache', 'etcd');
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
  }
  rmSync(apt, { recursive: true, force: true });
  mkdirSync(cachedPrograms, { recursive: true });
  for (const program of ['etcd', 'etcdctl']) {
    const link = join(cachedPrograms, program);
    rmSync(link, { force: true });
    symlinkSync(join(folder, 'usr', 'bin', program), link);
  }
  return undefined;
}

/** Gets etcd and etcdctl from Debian's packages. Answers why that is not possible, else undefined. */
export async function installEtcd(say: (text: string) => void): Promise<string | undefined> {
  if (findProgram('apt-get') === undefined) {
    return 'it is not installed, and there is no apt-get to get it with: install etcd and etcdctl (3.4 or newer) by hand';
  }
  if (process.getuid?.() === 0) {
    say(`etcd is missing: installing ${packages.join(' and ')} with apt-get ...`);
    return await aptInstall(packages);
  }
  say(`etcd is missing: unpacking ${packages.join(' and ')} below .cache (no root needed) ...`);
  return await unpack();
}
