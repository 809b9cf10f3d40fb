import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Check, fail, pass, warn } from './check.ts';

const MB = 1024 * 1024;
const LITTLE_MB = 1024;
const NOTHING_MB = 64;

/** Room for data and logs. */
export const checkDisk: Check = {
  name: 'disk',
  async look({ folder: { path } }) {
    const place = existsSync(path) ? path : dirname(path);
    const { bavail, bsize } = await statfs(place);
    const freeMb = Math.floor((bavail * bsize) / MB);
    const text = `${freeMb} MB are free for data and logs in ${place}`;
    const advice = 'make room: etcd and the databases stop writing when there is none';
    if (freeMb < NOTHING_MB) return [fail(text, advice)];
    return [freeMb < LITTLE_MB ? warn(text, advice) : pass(text)];
  },
};
