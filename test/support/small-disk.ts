import { spawnSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from './temp-folder.ts';

/** A file system of its own that can be filled. */
export interface SmallDisk extends Disposable {
  readonly path: string;
  /** Leaves no more than so many bytes of it free. */
  fill(leaveBytes?: number): void;
  /** Frees what `fill` took. */
  free(): void;
}

function mount(path: string, bytes: number): boolean {
  const options = `size=${bytes},mode=0700`;
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'weft-test', path]).status === 0;
}

/** Whether this machine lets us mount a file system: on Linux as root, outside of most containers. */
export function canMount(): boolean {
  if (process.platform !== 'linux') return false;
  using folder = tempFolder('weft-mount-');
  if (!mount(folder.path, 64 * 1024)) return false;
  return spawnSync('umount', [folder.path]).status === 0;
}

/** Mounts a file system in memory. @throws Error where that is not allowed, see `canMount` */
export function smallDisk(bytes: number): SmallDisk {
  const folder = tempFolder('weft-disk-');
  if (!mount(folder.path, bytes)) {
    folder[Symbol.dispose]();
    throw new Error('this machine does not let us mount a file system');
  }
  const filler = join(folder.path, 'filler');
  return {
    path: folder.path,
    fill(leaveBytes = 0) {
      const { bavail, bsize } = statfsSync(folder.path);
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)), { flag: 'a' });
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]() {
      // Lazily: what still runs there may hold files open.
      spawnSync('umount', ['-l', folder.path]);
      folder[Symbol.dispose]();
    },
  };
}
