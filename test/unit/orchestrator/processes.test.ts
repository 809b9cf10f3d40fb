import { once } from 'node:events';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { takeLock } from '../../../orchestrator/src/folder-lock.ts';
import { adoptProcess } from '../../../orchestrator/src/process/adopted-process.ts';
import { startChild } from '../../../orchestrator/src/process/child.ts';
import {
  boundLog,
  lastLines,
  MAX_LOG_BYTES,
  readLog,
} from '../../../orchestrator/src/process/log-file.ts';
import { freePort, whyTaken } from '../../../orchestrator/src/process/ports.ts';
import { identityOf, isAlive } from '../../../orchestrator/src/process/process-identity.ts';
import { readState, writeState } from '../../../orchestrator/src/state-file.ts';
import { chooseStore } from '../../../orchestrator/src/store-choice.ts';
import { root, run } from '../../../scripts/tools/program.ts';
import { eventually } from '../../support/eventually.ts';
import { canMount, smallDisk } from '../../support/small-disk.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('startChild', () => {
  it('runs a program in its folder and environment, its output in the log', async () => {
    using folder = tempFolder();
    const logFile = join(folder.path, 'logs', 'a.log');
    const child = startChild({
      command: ['node', '-e', 'console.log(process.cwd(), process.env.COLOUR); process.exit(3)'],
      folder: folder.path,
      environment: { COLOUR: 'red' },
      logFile,
    });
    expect(await child.exited).toBe('exit code 3');
    expect(lastLines(logFile, 5)).toEqual([`${folder.path} red`]);
  });

  it('tells when a program cannot be started', async () => {
    using folder = tempFolder();
    const child = startChild({
      command: ['/no/such/program'],
      folder: folder.path,
      environment: {},
      logFile: join(folder.path, 'a.log'),
    });
    expect(await child.exited).toBe(`there is no file '/no/such/program' in ${folder.path}`);
    expect(child.pid).toBeUndefined();
  });

  it('kills what ignores SIGTERM, and what it started', async () => {
    using folder = tempFolder();
    const logFile = join(folder.path, 'a.log');
    const program = `
      process.on('SIGTERM', () => {});
      const { spawn } = require('node:child_process');
      const ignoring = 'process.on("SIGTERM", () => {}); console.log("child"); setInterval(() => {}, 1000)';
      const grandchild = spawn(process.execPath, ['-e', ignoring], { stdio: 'inherit' });
      console.log(grandchild.pid);
      setInterval(() => {}, 1000);`;
    const child = startChild({
      command: [process.execPath, '-e', program],
      folder: folder.path,
      environment: {},
      logFile,
    });
    const grandchild = await eventually(() => {
      expect(lastLines(logFile, 9)).toHaveLength(2);
      return Number(lastLines(logFile, 9).find((line) => line !== 'child'));
    });
    expect(identityOf(grandchild)).toBeDefined();
    child.terminate(100);
    expect(await child.exited).toBe('signal SIGKILL');
    await eventually(() => expect(identityOf(grandchild)).toBeUndefined());
  });
});

describe('the end of a process group', () => {
  /** Takes a while to end at SIGTERM, as a service does that drains. */
  const draining = (drainMs: number) =>
    `process.on('SIGTERM', () => setTimeout(() => { console.log('drained'); process.exit(); }, ${drainMs}));
     console.log('up ' + process.pid);
     setInterval(() => {}, 1000);`;
  const ignoring =
    "process.on('SIGTERM', () => {}); console.log('up ' + process.pid); setInterval(() => {}, 1000)";

  /** Starts a program through a shell, which ends at SIGTERM at once. */
  async function startWrapped(folder: string, program: string, restGraceMs?: number) {
    const logFile = join(folder, 'a.log');
    const child = startChild({
      command: ['sh', '-c', '"$0" -e "$1"; true', process.execPath, program],
      folder,
      environment: {},
      logFile,
      restGraceMs,
    });
    const pid = await eventually(() => {
      const [, up] = /^up (\d+)$/m.exec(readLog(logFile).text) ?? [];
      expect(up).toBeDefined();
      return Number(up);
    });
    return { child, pid, log: () => readLog(logFile).text };
  }

  it('waits for a program whose wrapper ends at SIGTERM before it', async () => {
    using folder = tempFolder();
    const { child, pid, log } = await startWrapped(folder.path, draining(300));
    child.terminate(5000);
    expect(await child.exited).toBe('signal SIGTERM');
    expect(log()).toMatch(/^drained$/m);
    expect(identityOf(pid)).toBeUndefined();
  });

  it('waits for it too where the wrapper was started by an earlier weft up', async () => {
    using folder = tempFolder();
    const { child, pid, log } = await startWrapped(folder.path, draining(300));
    const identity = identityOf(child.pid ?? 0);
    const adopted = adoptProcess(identity ?? { pid: 0, startedAs: '' });
    adopted.terminate(5000);
    await adopted.exited;
    expect(log()).toMatch(/^drained$/m);
    expect(identityOf(pid)).toBeUndefined();
    await child.exited;
  });

  it('kills the rest of the group when the grace time is over', async () => {
    using folder = tempFolder();
    const { child, pid } = await startWrapped(folder.path, ignoring);
    const askedAt = performance.now();
    child.terminate(200);
    expect(await child.exited).toBe(
      'signal SIGTERM; what it had started did not end in time and was killed',
    );
    expect(performance.now() - askedAt).toBeGreaterThanOrEqual(190);
    expect(identityOf(pid)).toBeUndefined();
  });

  it('kills the rest of the group earlier when asked again with less grace', async () => {
    using folder = tempFolder();
    const { child, pid } = await startWrapped(folder.path, ignoring);
    child.terminate(60_000);
    await eventually(() => expect(identityOf(child.pid ?? 0)).toBeUndefined());
    child.terminate(0);
    expect(await child.exited).toMatch(/was killed$/);
    expect(identityOf(pid)).toBeUndefined();
  });

  it('lets the rest of the group drain when the wrapper ends by itself', async () => {
    using folder = tempFolder();
    const { child, pid, log } = await startWrapped(folder.path, draining(300));
    process.kill(child.pid ?? 0, 'SIGKILL');
    expect(await child.exited).toBe('signal SIGKILL');
    expect(log()).toMatch(/^drained$/m);
    expect(identityOf(pid)).toBeUndefined();

    using other = tempFolder();
    const stubborn = await startWrapped(other.path, ignoring, 200);
    process.kill(stubborn.child.pid ?? 0, 'SIGKILL');
    expect(await stubborn.child.exited).toMatch(/was killed$/);
    expect(identityOf(stubborn.pid)).toBeUndefined();
  });

  /** Runs code after the last file that the process may open. @returns what it printed */
  async function withoutFiles(before: string, after: string): Promise<string> {
    using folder = tempFolder();
    const modules = join(root, 'orchestrator', 'src', 'process');
    const program = `
      import { openSync } from 'node:fs';
      import { adoptProcess } from '${modules}/adopted-process.ts';
      import { startChild } from '${modules}/child.ts';
      import { identityOf } from '${modules}/process-identity.ts';
      const start = (script) => startChild({
        command: ['sh', '-c', script], folder: '.', environment: {}, logFile: 'a.log',
      });
      ${before}
      try { for (;;) openSync('/dev/null'); } catch ({ code }) { console.log(code); }
      ${after}`;
    const node = [process.execPath, '--conditions=weft-source', '--input-type=module', '-e'];
    const words = ['-c', 'ulimit -n 64; exec "$@"', 'sh', ...node, program];
    return (await run('sh', words, { cwd: folder.path })).output;
  }

  it('waits for the rest of the group while no file can be opened', async () => {
    const output = await withoutFiles(
      `const child = start('sleep 1 & sleep 0.2');`,
      'console.log(await child.exited);',
    );
    expect(output).toBe('EMFILE\nexit code 0\n');
  });

  it('is not mistaken for one while no file can be opened', async () => {
    const output = await withoutFiles(
      `const child = start('exec sleep 1.5');
       adoptProcess(identityOf(child.pid));`,
      'console.log(await child.exited);',
    );
    expect(output).toBe('EMFILE\nexit code 0\n');
  });
});

describe('log files', () => {
  it('are moved aside at their bound while a writer goes on', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'a.log');
    writeFileSync(file, 'x'.repeat(50));
    boundLog(file, 50);
    expect(readLog(file).text).toHaveLength(50);
    boundLog(file, 49);
    appendFileSync(file, 'new\n');
    expect(readFileSync(`${file}.1`, 'utf8')).toHaveLength(50);
    expect(readLog(file, 50)).toEqual({ text: 'new\n', end: 4 });
  });

  (canMount() ? it : it.skip)('are bounded on a full disk too, with the last lines kept', () => {
    using disk = smallDisk(1024 * 1024);
    const file = join(disk.path, 'a.log');
    const lines = Array.from({ length: 8000 }, (_, index) => `line ${index} ${'x'.repeat(40)}\n`);
    writeFileSync(file, lines.join(''));
    writeFileSync(`${file}.1`, 'x'.repeat(50_000));
    disk.fill();
    expect(() => appendFileSync(file, 'x'.repeat(10_000))).toThrow(/ENOSPC/);
    boundLog(file, 200_000);
    expect(statSync(file).size).toBe(0);
    const kept = readFileSync(`${file}.1`, 'utf8');
    expect(kept.length).toBeGreaterThan(150_000);
    expect(kept).toContain(lines.slice(-3).join(''));
    appendFileSync(file, 'new\n');
    expect(readLog(file).text).toBe('new\n');
  });

  (canMount() ? it : it.skip)(
    'that are too long keep no program from its start on a full disk',
    async () => {
      using disk = smallDisk(14 * 1024 * 1024);
      const logFile = join(disk.path, 'a.log');
      writeFileSync(logFile, 'x'.repeat(MAX_LOG_BYTES + 1));
      disk.fill();
      const command = ['node', '-e', 'console.log("started"); process.exit(7)'];
      const child = startChild({ command, folder: disk.path, environment: {}, logFile });
      expect(await child.exited).toBe('exit code 7');
      expect(lastLines(logFile, 1)).toEqual(['started']);
    },
  );

  it('are read from a place, and not more than asked', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'a.log');
    expect(readLog(file)).toEqual({ text: '', end: 0 });
    writeFileSync(file, 'one\ntwo\nthree\n');
    expect(readLog(file, 4)).toEqual({ text: 'two\nthree\n', end: 14 });
    expect(readLog(file, 0, 6)).toEqual({ text: 'three\n', end: 14 });
    expect(lastLines(file, 2)).toEqual(['two', 'three']);
    expect(lastLines(file, 0)).toEqual([]);
  });
});

describe('state and lock', () => {
  it('keeps the state whole and reads none from garbage', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'deep', 'state.json');
    expect(readState(file)).toBeUndefined();
    const orchestrator = identityOf(process.pid) ?? { pid: 0, startedAs: '' };
    const state = { orchestrator, control: 'c', registry: 'r', page: 'p', etcd: '', processes: [] };
    writeState(file, state);
    expect(readState(file)).toEqual(state);
    expect(isAlive(orchestrator)).toBe(true);
    writeFileSync(file, '{');
    expect(readState(file)).toBeUndefined();
  });

  it('lets one hold the lock', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'lock.db');
    const release = takeLock(file);
    expect(release).toBeDefined();
    expect(takeLock(file)).toBeUndefined();
    release?.();
    const again = takeLock(file);
    expect(again).toBeDefined();
    again?.();
  });
});

describe('ports', () => {
  it('tells which are taken', async () => {
    const port = await freePort('127.0.0.1');
    expect(await whyTaken('127.0.0.1', port)).toBeUndefined();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    expect(await whyTaken('127.0.0.1', port)).toBe('EADDRINUSE');
    server.close();
    await once(server, 'close');
  });
});

describe('chooseStore', () => {
  const nowhere = () => undefined;
  const found = () => '/bin/etcd';

  it('takes etcd where there is one, saying why', () => {
    expect(chooseStore('auto', { env: {}, find: found })).toEqual({
      kind: 'own-etcd',
      binary: '/bin/etcd',
      why: 'found /bin/etcd',
    });
    expect(
      chooseStore('auto', { env: { ETCD_ENDPOINTS: 'http://a:1, b:2' }, find: found }),
    ).toMatchObject({
      kind: 'named-etcd',
      endpoints: 'a:1,b:2',
    });
    expect(chooseStore('auto', { env: {}, find: nowhere })).toMatchObject({ kind: 'memory' });
    expect(chooseStore('memory', { env: {}, find: found })).toMatchObject({ kind: 'memory' });
  });

  it('refuses etcd where there is none', () => {
    expect(() => chooseStore('etcd', { env: {}, find: nowhere })).toThrow(/install etcd/);
    expect(() => chooseStore('auto', { env: { ETCD_BIN: '/no/etcd' } })).toThrow(
      /ETCD_BIN names '\/no\/etcd'.*unset it/,
    );
  });
});
