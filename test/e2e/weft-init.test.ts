import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { run } from '../../scripts/tools/program.ts';
import { eventually } from '../support/eventually.ts';
import { installPacked } from '../support/packed-sdk.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { meshStateOf } from '../support/weft-process.ts';

/** The folders of programs of this machine, without those of npm packages. */
const machinePath = (process.env.PATH ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules') && folder !== dirname(process.execPath));
const ownNode = dirname(process.execPath);

function environment(path: readonly string[]) {
  const none = { NODE_OPTIONS: '', WEFT_REGISTRY: '', ETCD_ENDPOINTS: '' };
  return { ...process.env, PATH: path.join(delimiter), ...none };
}

/** A stranger's machine: npm, whatever Node it has, and nothing of ours. */
const machine = environment([...machinePath, ownNode]);
/** The same with the Node that runs this test. */
const withNode24 = environment([ownNode, ...machinePath]);

const machineNode = execFileSync('node', ['--version'], { env: machine, encoding: 'utf8' }).trim();
const itOnOldNode = /^v(1\d|20|21)\./.test(machineNode) ? it : it.skip;

describe('a new service, made by weft init from the packed packages', () => {
  const folder = tempFolder('weft-init-');
  const project = join(folder.path, 'guest-book');
  let created = '';
  const shell = (command: string, cwd = project, env = machine) =>
    run('sh', ['-c', command], { cwd, env });

  async function done(command: string, cwd?: string, env?: typeof machine): Promise<string> {
    const { code, output } = await shell(command, cwd, env);
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`);
    return output;
  }

  beforeAll(async () => {
    await installPacked(folder.path, ['proto', 'client-sdk', 'registry', 'orchestrator']);
    created = await done('npx weft init guest-book', folder.path, withNode24);
  }, 240_000);
  afterAll(() => folder[Symbol.dispose]());

  itOnOldNode(`is not made by a Node that is too old (here: ${machineNode})`, async () => {
    const { code, output } = await shell('npx weft init other', folder.path);
    expect({ code, output }).toEqual({
      code: 1,
      output: expect.stringMatching(
        /^weft needs Node 22\.18 or newer, and this is v\d+\.\d+\.\d+\. .*npm install --save-dev node@24/,
      ),
    });
    expect(existsSync(join(folder.path, 'other'))).toBe(false);
  });

  itOnOldNode(`says what it needs where only such a Node is (here: ${machineNode})`, async () => {
    const programs = ['weft', 'weft-registry'].map((name) => `node_modules/.bin/${name}`);
    for (const script of ['check-node.mjs', ...programs]) {
      const { code, output } = await run('node', [script], { cwd: project, env: machine });
      expect({ code, output }).toEqual({
        code: 1,
        output: expect.stringMatching(/needs Node 22\.18 or newer, and this is v\d+.*npm install/s),
      });
    }
  });

  it('passes its own test on whatever Node the machine has, and its types are right', async () => {
    expect(created).toMatch(/Next:\n {2}cd guest-book\n {2}npm test\n {2}npm start/);
    const told = await done('npm test');
    expect(told).toMatch(/pass 2\n/);
    expect(told).toMatch(/fail 0\n/);
    await done('npm run check');
  }, 60_000);

  it('runs with the packed registry, answers a call by name, and shows its page', async () => {
    const file = join(project, 'weft.yaml');
    const yaml = readFileSync(file, 'utf8').replace(/7400|7480/g, '0');
    writeFileSync(file, yaml.replace('registry:', 'registry:\n  store: memory'));
    const output = join(folder.path, 'up.txt');
    const up = shell(`npm start > ${output} 2>&1`);
    try {
      await eventually(() => expect(readFileSync(output, 'utf8')).toMatch(/The mesh is up/), {
        withinMs: 40_000,
        everyMs: 50,
      });
      await done('npx weft status');
      // Copied as they stand, they run.
      expect(readFileSync(output, 'utf8')).toMatch(/^ {2}npx weft status /m);
      const answer = await done(`npx weft call guest-book Greet '{"name": "Ada"}'`);
      expect(answer).toContain('Hello, Ada!');
      expect(await done('npx weft verify')).toMatch(/13 of 13 rules hold/);
      const log = readFileSync(join(project, '.weft', 'logs', 'registry.log'), 'utf8');
      const http = /"http":"([^"]+)"/.exec(log)?.[1];
      const get = (path: string) =>
        fetch(`http://${http}${path}`, { headers: { connection: 'close' } });
      const page = await (await get('/')).text();
      const assets = [...page.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path]) => path);
      expect(assets.length).toBeGreaterThan(5);
      for (const path of assets) {
        const answer = await get(path ?? '');
        await answer.arrayBuffer();
        expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      }
      expect(
        meshStateOf(project)
          .processes.map(({ name }) => name)
          .sort(),
      ).toEqual(['guest-book-1', 'guest-book-2', 'registry']);
    } finally {
      await shell('npx weft down');
      await up;
    }
  }, 60_000);

  it('is not made over what is there, nor under a name that no service may have', async () => {
    const init = (name: string) => shell(`npx weft init ${name}`, folder.path, withNode24);
    const again = await init('guest-book');
    expect(again).toMatchObject({ code: 1 });
    expect(again.output).toMatch(/guest-book is not empty \(.*and \d+ more\)/);
    const named = await init('Guest_Book');
    expect(named.output).toMatch(/'Guest_Book' is no name of a service, which must be/);
    const reserved = await init('registry');
    expect(reserved.output).toMatch(/is a name that Weft uses itself/);
  }, 30_000);
});
