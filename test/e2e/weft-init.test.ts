import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { run } from '../../scripts/tools/program.ts';
import { eventually } from '../support/eventually.ts';
import { installPacked } from '../support/packed-sdk.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { meshStateOf } from '../support/weft-process.ts';

/** A stranger's machine: the Node that runs us, npm, and nothing of ours. */
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  NODE_OPTIONS: '',
  WEFT_REGISTRY: '',
  ETCD_ENDPOINTS: '',
};

describe('a new service, made by weft init from the packed packages', () => {
  const folder = tempFolder('weft-init-');
  const project = join(folder.path, 'guest-book');
  const shell = (command: string, cwd = project) => run('sh', ['-c', command], { cwd, env });

  async function done(command: string, cwd?: string): Promise<string> {
    const { code, output } = await shell(command, cwd);
    if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`);
    return output;
  }

  beforeAll(async () => {
    await installPacked(folder.path, ['proto', 'client-sdk', 'registry', 'orchestrator']);
    await done('npx weft init guest-book', folder.path);
  }, 240_000);
  afterAll(() => folder[Symbol.dispose]());

  it('passes its own test, and its types are right', async () => {
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
    const up = shell(`npx weft up > ${output} 2>&1`);
    try {
      await eventually(() => expect(readFileSync(output, 'utf8')).toMatch(/The mesh is up/), {
        withinMs: 40_000,
        everyMs: 50,
      });
      await done('npx weft status');
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
    const again = await shell('npx weft init guest-book', folder.path);
    expect(again).toMatchObject({ code: 1 });
    expect(again.output).toMatch(/guest-book is not empty \(.*and \d+ more\)/);
    const named = await shell('npx weft init Guest_Book', folder.path);
    expect(named.output).toMatch(/'Guest_Book' is no name of a service, which must be/);
    const reserved = await shell('npx weft init registry', folder.path);
    expect(reserved.output).toMatch(/is a name that Weft uses itself/);
  }, 30_000);
});
