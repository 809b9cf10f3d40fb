import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { identityOf } from '../../../orchestrator/src/process/process-identity.ts';
import { root, run } from '../../../scripts/tools/program.ts';
import { eventually } from '../../support/eventually.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const scripts = join(root, 'scripts');
const files = [
  'setup.mjs',
  'generate.mjs',
  ...['lock', 'packages', 'running-program'].map((name) => `setup/${name}.mjs`),
];

// They run before the pinned Node is there, on whatever the machine has from 20.0 on.
it.each(files)('%s uses nothing that Node 20.0 lacks', (name) => {
  const source = readFileSync(join(scripts, name), 'utf8');
  // `import.meta.dirname` and `.filename` came with 20.11.
  expect(source.match(/import\.meta\.(?!url\b)\w+/g)).toBeNull();
  expect(source.match(/from '(?!node:|\.\/[\w/-]+\.mjs)[^']*'/g)).toBeNull();
});

const moduleUrl = (name: string) =>
  JSON.stringify(pathToFileURL(join(scripts, 'setup', name)).href);

describe('the set-up of a clone', () => {
  const folder = tempFolder('weft-setup-');
  const clone = folder.path;
  const installed = () => readFileSync(join(clone, 'node_modules', 'part', 'index.js'), 'utf8');

  /** Installs as `scripts/setup.mjs` does, in a process of its own. */
  const setUp = () =>
    run(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `
      import { withLock } from ${moduleUrl('lock.mjs')};
      import { installPackages, isInstalled } from ${moduleUrl('packages.mjs')};
      const root = ${JSON.stringify(clone)};
      await withLock(root + '/.cache/setup.lock', () => console.log('waits'), () => {
        console.log(isInstalled(root) ? 'is there' : installPackages(root, console.log));
      });`,
      ],
      { cwd: clone, env: { ...process.env, npm_config_fetch_retries: '0' } },
    );

  /**
   * What a pull brings: another version, which needs other packages.
   * @param remote Archives by the names of their packages.
   */
  function release(version: string, remote: Record<string, string> = {}): void {
    mkdirSync(join(clone, 'part'), { recursive: true });
    writeFileSync(join(clone, 'part', 'index.js'), version);
    writeFileSync(join(clone, 'part', 'package.json'), JSON.stringify({ name: 'part', version }));
    const dependencies = {
      part: 'file:part',
      ...Object.fromEntries(Object.keys(remote).map((name) => [name, version])),
    };
    const manifest = { name: 'clone', version, dependencies };
    writeFileSync(join(clone, 'package.json'), JSON.stringify(manifest));
    const packages = {
      '': manifest,
      ...Object.fromEntries(
        Object.entries(remote).map(([name, resolved]) => [
          `node_modules/${name}`,
          { version, resolved },
        ]),
      ),
      'node_modules/part': { resolved: 'part', link: true },
      part: { version },
    };
    const lock = { ...manifest, lockfileVersion: 3, requires: true, packages };
    writeFileSync(join(clone, 'package-lock.json'), JSON.stringify(lock));
  }

  beforeAll(() => release('1.0.0'));
  afterAll(() => folder[Symbol.dispose]());

  it('runs once when two are started at once, the other one waits', async () => {
    const [one, two] = await Promise.all([setUp(), setUp()]);
    expect([one.code, two.code]).toEqual([0, 0]);
    const output = one.output + two.output;
    expect(output.match(/^installed$/gm)).toHaveLength(1);
    expect(output.match(/^is there$/gm)).toHaveLength(1);
    expect(output).toMatch(/^waits$/m);
    expect(installed()).toBe('1.0.0');
    expect(existsSync(join(clone, '.cache', 'setup.lock'))).toBe(false);
  });

  it('goes on where one was killed', async () => {
    const lock = join(clone, '.cache', 'setup.lock');
    mkdirSync(lock);
    const gone = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => gone.once('exit', resolve));
    writeFileSync(join(lock, 'pid'), String(gone.pid));
    expect((await setUp()).output).toBe('is there\n');
  });

  it('breaks the lock of a process that ended when another process has its id now', async () => {
    const lock = join(clone, '.cache', 'setup.lock');
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), `${process.pid} 1`);
    expect((await setUp()).output).toBe('is there\n');
  });

  it('leaves the packages as they were when npm ci finds no network', async () => {
    const marker = join(clone, 'node_modules', 'marker');
    writeFileSync(marker, '');
    release('1.0.1', { far: 'http://127.0.0.1:1/far.tgz' });
    const { output } = await setUp();
    expect(output).toMatch(
      /npm ci failed; .* The packages installed before are there again\.\nfailed\n$/,
    );
    expect(existsSync(marker)).toBe(true);
    expect(existsSync(join(clone, '.cache', 'node_modules.before'))).toBe(false);
  });

  it('replaces no packages that a program runs on', async () => {
    const node = join(clone, 'node_modules', 'node', 'bin', 'node');
    mkdirSync(join(node, '..'), { recursive: true });
    try {
      linkSync(process.execPath, node);
    } catch {
      copyFileSync(process.execPath, node);
    }
    const program: ChildProcess = spawn(node, ['-e', 'setInterval(() => {}, 1000)', 'up']);
    try {
      release('2.0.0');
      const { code, output } = await setUp();
      expect({ code, output }).toEqual({
        code: 0,
        output: expect.stringMatching(
          `a program runs on the packages as they are: .* \\(pid ${program.pid}\\)\\. They stay; stop it, then run`,
        ),
      });
      expect(existsSync(node)).toBe(true);
    } finally {
      program.kill();
      await new Promise((resolve) => program.once('exit', resolve));
    }
    expect((await setUp()).output).toMatch(/\ninstalled\n$/);
    await eventually(() => expect(existsSync(node)).toBe(false));
  });

  it('asks for the processes that weft up recorded, and not for later ones with their ids', async () => {
    const record = (startedAs: string) => {
      mkdirSync(join(clone, '.weft'), { recursive: true });
      const orchestrator = { pid: process.pid, startedAs };
      writeFileSync(
        join(clone, '.weft', 'state.json'),
        JSON.stringify({ orchestrator, processes: [] }),
      );
    };
    release('3.0.0');
    record(identityOf(process.pid)?.startedAs ?? '');
    expect((await setUp()).output).toMatch(
      new RegExp(`: weft up \\(pid ${process.pid}\\)[^]*\\nkept\\n$`),
    );
    record('earlier/1');
    expect((await setUp()).output).toMatch(/\ninstalled\n$/);
  });
});
