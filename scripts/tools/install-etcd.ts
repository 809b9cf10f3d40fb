import { findProgram, run } from './program.ts';
import { lastLine, unpackDebian } from './unpack-debian.ts';

const packages = ['etcd-server', 'etcd-client'];

/** As root: the machine gets the packages. Answers why not, undefined when it has them. */
async function installForAll(): Promise<string | undefined> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env });
  if ((await install()).code === 0) return undefined;
  // The list of packages may be missing or old.
  await run('apt-get', ['update'], { env });
  const { code, output } = await install();
  return code === 0 ? undefined : `apt-get install failed: ${lastLine(output)}`;
}

/** Gets etcd and etcdctl from Debian's packages. Answers why that is not possible, else undefined. */
export async function installEtcd(say: (text: string) => void): Promise<string | undefined> {
  if (findProgram('apt-get') === undefined) {
    return 'it is not installed, and there is no apt-get to get it with: install etcd and etcdctl (3.4 or newer) by hand';
  }
  if (process.getuid?.() === 0) {
    say(`etcd is missing: installing ${packages.join(' and ')} with apt-get ...`);
    return await installForAll();
  }
  say(`etcd is missing: unpacking ${packages.join(' and ')} below .cache (no root needed) ...`);
  return await unpackDebian('etcd', packages, ['etcd', 'etcdctl']);
}
