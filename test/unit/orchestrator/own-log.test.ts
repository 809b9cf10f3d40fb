import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, describe, expect, it } from '@jest/globals';
import { openOwnLog } from '../../../orchestrator/src/own-log.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('the own log of the orchestrator', () => {
  const folder = tempFolder();
  afterAll(() => folder[Symbol.dispose]());

  it('is a file with a line for each message', () => {
    const file = join(folder.path, 'logs', 'weft.log');
    openOwnLog(file).info({ slot: 'a' }, 'started');
    openOwnLog(file).info({ slot: 'b' }, 'started');
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).slot)).toEqual(['a', 'b']);
  });

  it('loses lines and nothing else on a full disk', async () => {
    const errors: unknown[] = [];
    const note = (error: unknown) => errors.push(error);
    process.on('uncaughtException', note);
    try {
      const file = join(folder.path, 'full.log');
      symlinkSync('/dev/full', file);
      const log = openOwnLog(file);
      for (let line = 0; line < 3; line += 1) log.error({}, 'a line');
      await setTimeout(50);
    } finally {
      process.off('uncaughtException', note);
    }
    expect(errors).toEqual([]);
  });
});
