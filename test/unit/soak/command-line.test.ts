import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const main = join(import.meta.dirname, '../../soak/main.ts');

describe('the command line of npm run soak', () => {
  it.each([
    [['--seed', '1.5'], '--seed must be whole, not 1.5'],
    [['--fast'], "Unknown option '--fast'"],
  ])('ends %j with the usage, then what is wrong, and code 2', (words, mistake) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--conditions=weft-source', main, ...words],
      { encoding: 'utf8' },
    );
    expect(status).toBe(2);
    const lines = stderr.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^npm run soak -- /);
    expect(lines.at(-1)).toContain(mistake);
  });
});
