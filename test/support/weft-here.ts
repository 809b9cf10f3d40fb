import { join } from 'node:path';
import { jest } from '@jest/globals';
import { runWeft } from '../../orchestrator/src/program.ts';
import type { WeftResult } from './weft-process.ts';

/**
 * Runs a `weft` command that ends by itself in this process, which takes no time to start. One at a time: what
 * is printed meanwhile is taken for its output.
 * @param folder of weft.yaml, for commands that use it
 */
export async function runWeftHere(words: readonly string[], folder?: string): Promise<WeftResult> {
  const file = folder === undefined ? [] : ['--file', join(folder, 'weft.yaml')];
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += text;
      return true;
    }),
  );
  try {
    return { code: await runWeft([...file, ...words]), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
