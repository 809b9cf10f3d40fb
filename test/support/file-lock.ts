import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { eventually } from './eventually.ts';

function isHeld(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs `work` while no other test process holds `file`; the lock of a process that died is taken over. */
export async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  await eventually(
    () => {
      if (!isHeld(file)) rmSync(file, { force: true });
      writeFileSync(file, String(process.pid), { flag: 'wx' });
    },
    { withinMs: 120_000, everyMs: 100 },
  );
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
