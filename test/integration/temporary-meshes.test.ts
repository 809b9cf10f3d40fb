import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isAlive } from '../../orchestrator/src/process/process-identity.ts';
import { readState, type StartedProcess } from '../../orchestrator/src/state-file.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp-folder.ts';
import {
  runWeft,
  startWeft,
  stubCommand,
  type WeftProcess,
  writeWeftYaml,
} from '../support/weft-process.ts';

describe('a temporary mesh whose weft was killed', () => {
  const folder = tempFolder('weft-temporary-');
  const run = { folder: folder.path, env: { TMPDIR: folder.path } };
  const started: WeftProcess[] = [];
  const processes: StartedProcess[] = [];

  function start(...words: string[]): WeftProcess {
    const weft = startWeft(words, run);
    started.push(weft);
    return weft;
  }

  /** Kills a command while the only service of its mesh starts. Returns what it leaves. */
  async function killed(...words: string[]) {
    const weft = start(...words);
    await weft.waitFor(/its data in \S+/);
    const [, path = ''] = /its data in (\S+)/.exec(weft.output()) ?? [];
    const left = await eventually(
      () => {
        const state = readState(join(path, 'state.json'));
        expect(state?.processes.map(({ name }) => name)).toContain('shop-1');
        return state?.processes ?? [];
      },
      { withinMs: 20_000 },
    );
    processes.push(...left);
    weft.signal('SIGKILL');
    await weft.exited;
    expect(left.every(isAlive)).toBe(true);
    return { isLeft: () => existsSync(path) || left.some(isAlive) };
  }

  beforeAll(() => {
    writeWeftYaml(folder.path, {
      registry: { port: 0, store: 'memory' },
      services: { shop: { command: stubCommand('shop'), environment: { STUB_MODE: 'hang' } } },
    });
  });

  afterAll(async () => {
    for (const weft of started) {
      weft.signal('SIGTERM');
      await weft.exited;
    }
    for (const one of processes) if (isAlive(one)) process.kill(-one.pid, 'SIGKILL');
    folder[Symbol.dispose]();
  });

  it('is ended by weft doctor', async () => {
    const demo = await killed('demo');
    const { stdout } = await runWeft(['doctor'], run);
    expect(stdout).toMatch(/a killed weft had left running: registry of weft-demo-\S+, shop-1 of/);
    expect(demo.isLeft()).toBe(false);
  });

  it('is ended by the next weft demo or weft verify, which leave alone one that is up', async () => {
    const verify = await killed('verify', '--live');
    const next = start('demo');
    await next.waitFor(/ended what a killed weft left running: registry of weft-verify-/);
    expect(verify.isLeft()).toBe(false);
    await next.waitFor(/registry runs at/);
    expect((await runWeft(['doctor'], run)).stdout).toMatch(/no killed weft left one running/);
    expect(next.output()).not.toMatch(/registry (ended|was ended)/);
  });
});
