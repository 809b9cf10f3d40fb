import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { startChild } from '../../../orchestrator/src/process/child.ts';
import type { Reading } from '../../../orchestrator/src/slot/probe.ts';
import { Slot } from '../../../orchestrator/src/slot/slot.ts';
import { eventually } from '../../support/eventually.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { createSlot, healthy, silent } from './slot-fixture.ts';

describe('Slot', () => {
  it('tells its life in sentences', async () => {
    let reading = healthy;
    const { slot, processes, reports } = createSlot('one', () => reading);
    slot.start();
    await slot.healthy();
    reading = { ...healthy, isHealthy: false };
    await eventually(() => expect(slot.isHealthy).toBe(false));
    reading = healthy;
    await eventually(() => expect(slot.isHealthy).toBe(true));
    processes[0]?.end('exit code 1');
    await eventually(() => expect(processes).toHaveLength(2));
    await slot.healthy();
    expect(slot).toMatchObject({
      restarts: 1,
      lastExit: 'exit code 1',
      pid: 2,
      instanceId: 'one-2',
    });
    await slot.stop();
    expect(slot).toMatchObject({ pid: undefined, instanceId: '', address: '', isHealthy: false });
    const shapes = [
      /^one runs at 127\.0\.0\.1:1 \(pid 1, /,
      /^one does not answer SERVING$/,
      /^one answers SERVING again$/,
      /^one ended by itself \(exit code 1\); starting it again in 0\.1 s$/,
      /^one runs at 127\.0\.0\.1:1 \(pid 2, /,
      /^one stopped \(exit code 0\)$/,
    ];
    expect(reports).toHaveLength(shapes.length);
    shapes.forEach((shape, index) => {
      expect(reports[index]).toMatch(shape);
    });
  });

  it('tells of a new address, and of nothing while nothing changes', async () => {
    let reading = healthy;
    let looks = 0;
    const { slot, changes } = createSlot('one', () => {
      looks += 1;
      return reading;
    });
    const lookTwice = () => {
      const before = looks;
      return eventually(() => expect(looks).toBeGreaterThan(before + 2));
    };
    slot.start();
    await slot.healthy();
    const told = changes.length;
    await lookTwice();
    expect(changes).toHaveLength(told);
    reading = { ...healthy, address: '127.0.0.1:2' };
    await lookTwice();
    expect(changes.slice(told)).toEqual(['127.0.0.1:2']);
    await slot.stop();
  });

  it('ends a process that is not healthy in time, and gives up on it after three', async () => {
    const { slot, processes } = createSlot('one', () => silent, { startTimeoutMs: 30 });
    slot.start();
    await expect(slot.healthy()).rejects.toThrow(
      'one does not start: tried 3 times, last not healthy within 0.03 s of its start',
    );
    expect(processes.map(({ terminated }) => terminated)).toEqual([1, 1, 1]);
    await slot.stop();
    expect(slot.state.kind).toBe('stopped');
  });

  it('explains a failed start with what its own last process wrote', async () => {
    using folder = tempFolder();
    const logFile = join(folder.path, 'slot.log');
    writeFileSync(logFile, 'what the previous program wrote\n');
    const startOf = async (command: string[]) => {
      let starts = 0;
      const slot = new Slot({
        name: 'one',
        logFile,
        specification: 'any',
        health: { intervalMs: 10, timeoutMs: 10, startTimeoutMs: 10_000, restartAfterMs: 0 },
        stopTimeoutMs: 1000,
        launch: () => {
          starts += 1;
          const process = startChild({ command, folder: folder.path, environment: {}, logFile });
          return { process, probe: { read: async () => silent, close() {} }, instanceId: '' };
        },
        onChange: () => {},
      });
      slot.start();
      const error = await slot.healthy().catch((reason: unknown) => reason);
      await slot.stop();
      return { starts, text: String(error) };
    };
    const crash = await startOf([
      'node',
      '-e',
      'console.log("run " + process.pid); process.exit(7)',
    ]);
    expect(crash.text).toMatch(/tried 3 times, last exit code 7/);
    expect(crash.text.match(/run \d+/g)).toHaveLength(1);
    expect(crash.text).not.toMatch('previous program');
    expect(await startOf(['no-such-program'])).toEqual({
      starts: 1,
      text: "OrchestratorError: one does not start: there is no program 'no-such-program' in $PATH",
    });
  });

  it('says from time to time what a process lacks that does not turn healthy', async () => {
    const lacking = { ...silent, lacks: 'it has not registered' };
    const { slot, reports } = createSlot('one', () => lacking, { startTimeoutMs: 1500 });
    slot.start();
    await eventually(() => expect(reports).toHaveLength(4));
    const late = [200, 400, 800].map(
      (ms) => `one is not healthy yet after ${ms / 1000} s: it has not registered`,
    );
    expect(reports.slice(0, 3)).toEqual(late);
    expect(reports[3]).toMatch(
      /one was ended \(not healthy within 1.5 s of its start: it has not registered\)/,
    );
    await slot.stop();
  });

  it('F35: tells of a process taken over, and starts one of its own when that ends', async () => {
    const adopted = { startTimeMs: 1000 };
    const { slot, processes, reports } = createSlot('one', () => healthy, { first: { adopted } });
    slot.start();
    await slot.healthy();
    expect(slot).toMatchObject({ isAdopted: true, startTime: new Date(1000), restarts: 0 });
    processes[0]?.end('who knows');
    await eventually(() => expect(processes).toHaveLength(2));
    await slot.healthy();
    expect(slot).toMatchObject({ isAdopted: false, restarts: 1, lastExit: 'who knows' });
    expect(reports[0]).toBe('one runs on at 127.0.0.1:1 (pid 1): taken over');
    expect(reports[2]).toMatch(/^one runs at 127\.0\.0\.1:1 \(pid 2, /);
    await slot.stop();
  });

  it('F35: ends a process taken over that does not turn healthy, as any other', async () => {
    let reading = silent;
    const options = { startTimeoutMs: 50, first: { adopted: { startTimeMs: 1000 } } };
    const { slot, processes } = createSlot('one', () => reading, options);
    slot.start();
    await eventually(() => expect(processes[0]?.terminated).toBe(1));
    reading = healthy;
    await slot.healthy();
    expect(slot).toMatchObject({ isAdopted: false, pid: 2 });
    await slot.stop();
  });

  it('does not count the time while a process cannot be ready by no fault of its own', async () => {
    let reading: Reading = { ...silent, isExcused: true };
    const { slot, processes } = createSlot('one', () => reading, { startTimeoutMs: 50 });
    slot.start();
    await sleep(400);
    expect(slot.state.kind).toBe('starting');
    reading = healthy;
    await slot.healthy();
    expect(processes).toHaveLength(1);
    await slot.stop();
  });

  it('ends and starts again a process that does not answer for a while, and no other', async () => {
    let reading = healthy;
    const { slot, processes, reports } = createSlot('one', () => reading, { restartAfterMs: 100 });
    slot.start();
    await slot.healthy();
    // It answers, if only that it does not serve.
    reading = { ...healthy, isHealthy: false };
    await sleep(250);
    expect(processes).toHaveLength(1);
    reading = silent;
    await sleep(50);
    reading = healthy;
    await sleep(250);
    expect(processes).toHaveLength(1);
    reading = silent;
    await eventually(() => expect(processes[0]?.terminated).toBe(1));
    reading = healthy;
    await eventually(() => expect(processes).toHaveLength(2));
    await slot.healthy();
    expect(slot.lastExit).toBe('did not answer for 0.1 s');
    expect(reports).toContainEqual(
      expect.stringMatching(/^one was ended \(did not answer for 0\.1 s\); starting it again in /),
    );
    await slot.stop();
  });

  it('leaves a process that does not answer alone where it is told so', async () => {
    let reading = healthy;
    const { slot, processes } = createSlot('one', () => reading, { restartAfterMs: 0 });
    slot.start();
    await slot.healthy();
    reading = silent;
    await sleep(250);
    expect(processes.map(({ terminated }) => terminated)).toEqual([0]);
    await slot.stop();
  });

  it('rejects who waits for it when it is stopped', async () => {
    const { slot } = createSlot('one', () => silent);
    slot.start();
    const waiting = expect(slot.healthy()).rejects.toThrow('one was stopped before it was healthy');
    await slot.stop();
    await waiting;
    await expect(slot.healthy()).rejects.toThrow(/was stopped/);
  });
});
