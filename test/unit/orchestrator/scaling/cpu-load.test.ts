import { describe, expect, it } from '@jest/globals';
import { CpuLoad } from '../../../../orchestrator/src/scaling/cpu-load.ts';
import { cpuOfGroups, parseStat } from '../../../../orchestrator/src/scaling/process-cpu.ts';
import { startBusyProcess } from '../../../support/busy-process.ts';
import { eventually } from '../../../support/eventually.ts';

describe('CpuLoad', () => {
  it('adds up the cores of all processes, each from when it was first seen', () => {
    const load = new CpuLoad();
    expect(load.cores(new Map([[1, 500]]), 0)).toBeUndefined();
    expect(
      load.cores(
        new Map([
          [1, 1000],
          [2, 9000],
        ]),
        1000,
      ),
    ).toBeCloseTo(0.5);
    expect(
      load.cores(
        new Map([
          [1, 1500],
          [2, 9250],
        ]),
        2000,
      ),
    ).toBeCloseTo(0.5 + 0.25);
  });

  it('forgets what is older than 10 s, and who is gone', () => {
    const load = new CpuLoad();
    for (let at = 0; at <= 10_000; at += 1000) load.cores(new Map([[1, at]]), at);
    for (let at = 11_000; at <= 21_000; at += 1000) load.cores(new Map([[1, 10_000]]), at);
    expect(load.cores(new Map([[1, 10_000]]), 22_000)).toBe(0);
    expect(load.cores(new Map([[2, 7000]]), 23_000)).toBeUndefined();
  });
});

describe('what /proc tells', () => {
  it('is read whatever the name of the program', () => {
    const stat = '7 (a) b (c) S 1 42 42 0 -1 0 0 0 0 0 150 25 0 0 20 0 1 0 9';
    expect(parseStat(stat)).toEqual({ group: 42, cpuMs: 1750 });
  });

  (process.platform === 'linux' ? it : it.skip)('is of groups that live', async () => {
    const busy = await startBusyProcess();
    try {
      const read = () => cpuOfGroups(new Set([busy.pid, 2 ** 30]));
      const before = read();
      expect([...before.keys()]).toEqual([busy.pid]);
      await eventually(() => {
        expect(read().get(busy.pid)).toBeGreaterThanOrEqual(Number(before.get(busy.pid)) + 50);
      });
    } finally {
      await busy.end();
    }
    expect(cpuOfGroups(new Set([busy.pid]))).toEqual(new Map());
  });
});
