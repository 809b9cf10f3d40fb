import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const main = join(import.meta.dirname, '../../bench/main.ts');

describe('the command line of npm run bench', () => {
  it.each([
    [['--rounds', '0'], '--rounds must be a whole number from 1'],
    [['--minutes', '0'], '--minutes must be a number above 0, at most 60'],
    [['nothing'], 'no such bench: nothing'],
    [['--fast'], "Unknown option '--fast'"],
  ])('ends %j with the usage, then what is wrong, and code 2', (words, mistake) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--conditions=weft-source', main, ...words],
      { encoding: 'utf8' },
    );
    expect(status).toBe(2);
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^npm run bench -- /);
    expect(lines.at(-1)).toContain(mistake);
  });
});
