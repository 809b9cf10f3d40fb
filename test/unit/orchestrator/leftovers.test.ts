import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Leftovers, leftoversOf, surplusOf } from '../../../orchestrator/src/leftovers.ts';
import { adoptProcess } from '../../../orchestrator/src/process/adopted-process.ts';
import { startChild } from '../../../orchestrator/src/process/child.ts';
import { lastLines } from '../../../orchestrator/src/process/log-file.ts';
import {
  identityOf,
  isAlive,
  type ProcessIdentity,
} from '../../../orchestrator/src/process/process-identity.ts';
import { specificationOf } from '../../../orchestrator/src/specification.ts';
import type { StartedProcess } from '../../../orchestrator/src/state-file.ts';
import { eventually } from '../../support/eventually.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const gone: ProcessIdentity = { pid: process.pid, startedAs: 'before' };

function started(name: string, specification: string, identity = gone): StartedProcess {
  return { name, specification, instanceId: `${name}-id`, startTimeMs: 1, ...identity };
}

function mustBeAlive(pid: number | undefined): ProcessIdentity {
  const identity = identityOf(pid ?? 0);
  if (identity === undefined) throw new Error('not alive');
  return identity;
}

let stop: (() => Promise<unknown>)[] = [];

/** A process that sleeps, in a group of its own. */
function sleeper(): ProcessIdentity {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
  });
  stop.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return mustBeAlive(child.pid);
}

afterEach(async () => {
  await Promise.all(stop.map((one) => one()));
  stop = [];
});

describe('the specification of a program', () => {
  const program = { command: ['node', 'a'], environment: { A: '1', B: '2' } };

  it('is the same in whatever order its fields stand', () => {
    const other = { environment: { B: '2', A: '1' }, command: ['node', 'a'] };
    expect(specificationOf(other)).toBe(specificationOf(program));
  });

  it.each([
    { ...program, command: ['a', 'node'] },
    { ...program, command: ['node a'] },
    { ...program, environment: { A: '1' } },
    { ...program, environment: { A: '1', B: '' } },
  ])('is another for %j', (other) => {
    expect(specificationOf(other)).not.toBe(specificationOf(program));
  });

  it('shows nothing of what it is made of', () => {
    expect(specificationOf({ environment: { TOKEN: 'secret' } })).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('what a mesh does not want of what is left', () => {
  const wanted = [
    { name: 'registry', specification: 'r' },
    { name: 'shop-1', specification: 's1' },
    { name: 'shop-2', specification: 's2' },
  ];
  const surplus = (...left: StartedProcess[]) => surplusOf(left, wanted);

  it('is nothing where all is as it was, or less', () => {
    expect(surplus(started('shop-1', 's1'), started('registry', 'r'))).toEqual([]);
    expect(surplus()).toEqual([]);
  });

  it('is what is started otherwise now, is in no slot, or is not known how it was started', () => {
    const left = [started('shop-1', 'old'), started('shop-3', 's3'), started('stock-1', 's1')];
    expect(surplus(...left, started('shop-2', 's2'))).toEqual(left);
    const { specification: _, ...older } = started('shop-4', 's2');
    expect(surplus(older as StartedProcess)).toEqual([older]);
  });

  it('is one of two in one slot', () => {
    const [first, second] = [started('shop-1', 's1'), started('shop-1', 's1')];
    expect(surplus(first, second)[0]).toBe(second);
    expect(surplus(started('shop-1', 'old'), second)).toHaveLength(1);
  });
});

describe('leftovers', () => {
  it('are the recorded processes that live, when their orchestrator does not', () => {
    const [own, other] = [mustBeAlive(process.pid), mustBeAlive(process.ppid)];
    const state = { control: '', registry: '', page: '', etcd: '' };
    const processes = [started('a-1', 'a', other), started('b-1', 'b')];
    const left = leftoversOf({ ...state, orchestrator: gone, processes });
    expect(left.map(({ name }) => name)).toEqual(['a-1']);
    expect(leftoversOf({ ...state, orchestrator: own, processes })).toEqual([]);
  });

  it('are taken over once, as they were recorded, else started', async () => {
    const kept = started('a-1', 'a', sleeper());
    const state = {
      orchestrator: gone,
      control: '',
      registry: 'r:1',
      page: 'p:1',
      etcd: '',
      processes: [kept],
    };
    const left = new Leftovers(state);
    expect(left.addresses).toEqual({ etcd: '', registry: 'r:1', page: 'p:1' });
    const fresh = { pid: 7, exited: Promise.resolve(''), terminate() {} };
    expect(left.takeOrStart({ name: 'a-1', specification: 'other' }, () => fresh)).toEqual({
      process: fresh,
      adopted: undefined,
    });
    expect(left.remaining).toEqual([kept]);
    const taken = left.takeOrStart({ name: 'a-1', specification: 'a' }, () => fresh);
    expect(taken).toMatchObject({ process: { pid: kept.pid }, adopted: kept });
    expect(left.remaining).toEqual([]);
    expect(left.takeOrStart({ name: 'a-1', specification: 'a' }, () => fresh).process).toBe(fresh);
    taken.process.terminate(2000);
    await taken.process.exited;
  });

  it('are ended, and no other that got the id since', async () => {
    const [ours, other] = [started('a-1', 'a', sleeper()), sleeper()];
    const processes = [ours, started('b-1', 'b', { ...other, startedAs: 'before' })];
    const left = new Leftovers({
      orchestrator: gone,
      control: '',
      registry: '',
      page: '',
      etcd: '',
      processes,
    });
    expect(await left.endAllBut([{ name: 'a-1', specification: 'a' }])).toEqual([]);
    expect(isAlive(ours)).toBe(true);
    expect(await left.endAllBut([], 2000)).toEqual(['a-1']);
    expect(left.remaining).toEqual([]);
    expect(isAlive(ours)).toBe(false);
    expect(isAlive(other)).toBe(true);
  });
});

describe('an adopted process', () => {
  it('has its end noticed soon', async () => {
    const identity = sleeper();
    const adopted = adoptProcess(identity);
    const killedMs = performance.now();
    process.kill(identity.pid, 'SIGKILL');
    expect(await adopted.exited).toMatch(/how is not known/);
    expect(performance.now() - killedMs).toBeLessThan(2000);
    adopted.terminate(0);
  });

  it('that ignores SIGTERM is killed, and what it started', async () => {
    using folder = tempFolder();
    const logFile = join(folder.path, 'a.log');
    const program = `
      process.on('SIGTERM', () => console.log('ignored'));
      const { spawn } = require('node:child_process');
      console.log(spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']).pid);
      setInterval(() => {}, 1000);`;
    const command = [process.execPath, '-e', program];
    const child = startChild({ command, folder: folder.path, environment: {}, logFile });
    const grandchild = await eventually(() => mustBeAlive(Number(lastLines(logFile, 1)[0])));
    const adopted = adoptProcess(mustBeAlive(child.pid));
    adopted.terminate(60_000);
    await eventually(() => expect(lastLines(logFile, 9)).toContain('ignored'));
    adopted.terminate(0);
    await adopted.exited;
    expect(lastLines(logFile, 9).filter((line) => line === 'ignored')).toHaveLength(1);
    await eventually(() => expect(isAlive(grandchild)).toBe(false));
    expect(await child.exited).toBe('signal SIGKILL');
  });
});
