import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../orchestrator/src/process/ports.ts';
import { run } from '../../scripts/tools/program.ts';
import { eventually } from '../support/eventually.ts';
import { type Block, blocksOf, missingLines } from '../support/readme.ts';
import { createScratchRepository, type ScratchRepository } from '../support/scratch-repository.ts';
import { describeWith } from '../support/tools.ts';

/** The README of the mesh, and those of the SDK and the registry, which go on where that ends. */
const readme = ['README.md', 'client-sdk/README.md', 'registry/README.md']
  .map((path) => readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8'))
  .join('\n');

/** What a program started in the background says when it is ready, by a part of its command. */
const ready: Record<string, RegExp> = {
  'npm start': /The mesh is up/,
  'node guests.mts': /and others can find it/,
  'npm run registry': /registry ready on/,
  'etcd up': /ETCD_ENDPOINTS=/,
};

describeWith(['etcd', 'etcdctl', 'grpcurl'], 'README.md', () => {
  let clone: ScratchRepository;
  let ownProject: string;
  let substitutions: [string, string][];
  let env: NodeJS.ProcessEnv;
  const started: { child: ChildProcess; exited: Promise<void> }[] = [];

  beforeAll(async () => {
    clone = await createScratchRepository();
    ownProject = join(clone.path, '..', 'my-shop');
    const [registry, replica, metrics, etcd] = [
      await freePort('127.0.0.1'),
      await freePort('127.0.0.1'),
      await freePort('127.0.0.1'),
      await freePort('127.0.0.1'),
    ];
    substitutions = [
      ['10.0.0.11:2379', `127.0.0.1:${etcd}`],
      ['--host 10.0.0.21 --port 7400', `--host 127.0.0.1 --port ${replica} --http-port ${metrics}`],
      ['--host 10.0.0.22 --port 7400', '--host 127.0.0.1 --port 0 --http-port 0'],
      ['10.0.0.21:7480', `127.0.0.1:${metrics}`],
      ['10.0.0.21:7400', `127.0.0.1:${replica}`],
      ['10.0.0.31', '127.0.0.1'],
      ['localhost:7400', `127.0.0.1:${registry}`],
    ];
    const yaml = join(clone.path, 'weft.yaml');
    const text = readFileSync(yaml, 'utf8');
    expect(text).toMatch(/7400[\s\S]*2379/);
    writeFileSync(yaml, text.replace('7400', `${registry}`).replace('2379', `${etcd}`));
    const bin = join(clone.path, 'node_modules', '.bin');
    const {
      ETCD_ENDPOINTS: _etcd,
      WEFT_REGISTRY: _registry,
      // Of the `npm test` that runs this.
      npm_lifecycle_event: _event,
      ...inherited
    } = process.env;
    env = {
      ...inherited,
      PATH: `${bin}:${process.env.PATH}`,
      NO_COLOR: '1',
      ETCDCTL_API: '3',
      ETCDCTL_ENDPOINTS: `127.0.0.1:${etcd}`,
    };
  }, 60_000);

  afterAll(async () => {
    for (const { child, exited } of started.reverse()) {
      // The whole group, as Ctrl-C in a terminal.
      if (child.exitCode === null) process.kill(-(child.pid ?? 0), 'SIGINT');
      await exited;
    }
    clone?.[Symbol.dispose]();
  }, 60_000);

  const adapted = (text: string) =>
    substitutions.reduce((all, [from, to]) => all.replaceAll(from, to), text);

  function folderOf({ words }: Block): string {
    return words.includes('in=../my-shop') ? ownProject : clone.path;
  }

  async function startInBackground(block: Block): Promise<void> {
    const child = spawn('bash', ['-ec', adapted(block.text)], {
      cwd: folderOf(block),
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
    started.push({ child, exited });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk;
      });
    }
    const [, pattern] = Object.entries(ready).find(([part]) => block.text.includes(part)) ?? [];
    if (pattern === undefined) throw new Error(`when is this ready?\n${block.text}`);
    await eventually(() => expect(output).toMatch(pattern), { withinMs: 30_000, everyMs: 50 });
  }

  async function runToEnd(block: Block): Promise<string> {
    const { code, output } = await run('bash', ['-exc', adapted(block.text)], {
      cwd: folderOf(block),
      env,
    });
    if (code !== 0) throw new Error(`ended with ${code}:\n${block.text}\n${output}`);
    return output;
  }

  /** Waits until the three user-services that were deleted in etcd have registered themselves again. */
  async function usersAreBack(): Promise<void> {
    const words = ['get', '--prefix', '--keys-only', '/weft/v1/services/user-service/'];
    await eventually(
      async () => {
        const { output } = await run('etcdctl', words, { env });
        expect(output.match(/user-service-\d/g)).toHaveLength(3);
      },
      { withinMs: 20_000, everyMs: 200 },
    );
  }

  async function typeCheck(file: string): Promise<void> {
    const strict = '--strict --module nodenext --target es2023 --noEmit --types node';
    const roots = ['--typeRoots', join(clone.path, 'node_modules', '@types')];
    const tsc = join(clone.path, 'node_modules', '.bin', 'tsc');
    const { output } = await run(tsc, [...strict.split(' '), ...roots, file], { cwd: ownProject });
    expect(output).toBe('');
  }

  it('has commands that work and show what it says, top to bottom', async () => {
    let output = '';
    for (const block of blocksOf(readme)) {
      const { language, words, text } = block;
      if (language === 'sh' && words.includes('start')) {
        await startInBackground(block);
      } else if (language === 'sh') {
        output = await runToEnd(block);
        if (text.includes('etcdctl del')) await usersAreBack();
        if (words.includes('twice')) expect(await runToEnd(block)).toBe(output);
      } else if (language === 'ts') {
        const [file = ''] = words;
        writeFileSync(join(ownProject, file), adapted(text));
        await typeCheck(file);
      } else if (words.includes('example')) {
        // What no run shows at will.
        expect(language).toBe('text');
      } else if (language === 'text') {
        expect({ missing: missingLines(text, output), output }).toEqual({ missing: [], output });
      } else {
        expect(language).toBe('mermaid');
      }
    }
  }, 240_000);
});
