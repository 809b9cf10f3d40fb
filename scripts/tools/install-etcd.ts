import { aptInstall } from './apt-install.ts';
import { findProgram } from './program.ts';
import { unpackDebian } from './unpack-debian.ts';

const packages = ['etcd-server', 'etcd-client'];

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
  return await unpackDebian('etcd', packages, ['etcd', 'etcdctl']);
}
