import { jest } from '@jest/globals';
import { runWeft } from '../../orchestrator/src/program.ts';
import type { WeftResult } from './weft-process.ts';

/** Runs a `weft` command that ends by itself in this process, which takes no time to start. */
export async function runWeftHere(words: readonly string[]): Promise<WeftResult> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    jest.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += text;
      return true;
    }),
  );
  try {
    return { code: await runWeft(words), ...written };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
