import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tempFolder } from '../support/temp-folder.ts';
import { TestMesh } from '../support/test-mesh.ts';
import { runWeftHere } from '../support/weft-here.ts';

const folder = tempFolder();
let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
  await stage.serve('user-service', ['user-a', 'user-b'], { ttlSeconds: 60 });
  await stage.serve('order-service', ['order-a'], { ttlSeconds: 60 });
  const logs = join(folder.path, '.weft', 'logs');
  mkdirSync(logs, { recursive: true });
  for (const name of ['weft', 'user-service-1']) writeFileSync(join(logs, `${name}.log`), '');
});
afterAll(async () => {
  await stage.close();
  folder[Symbol.dispose]();
});

const ask = (words: readonly string[]) =>
  runWeftHere([...words, '--registry', stage.registry.address], folder.path);

describe('a name that does not exist', () => {
  const service = /no service 'usr-service' is registered; did you mean user-service\?/;
  const instance = /user-service has no instance 'usr-b'; did you mean user-b\?/;
  it.each([
    [['instances', 'usr-service'], service],
    [['instances', 'usr-service', '--json'], service],
    [['breakers', 'usr-service'], service],
    [['breakers', 'user-service', 'usr-b'], instance],
    [['breakers', 'user-service', 'usr-b', '--open'], instance],
    [['breakers', 'usr-service', '--close'], service],
    [['drain', 'usr-service'], service],
    [['drain', 'user-service', 'usr-b'], instance],
    [['watch', 'usr-service'], service],
    [['events', '--service', 'usr-service'], service],
    [['events', '--service', 'usr-service', '-f'], service],
    [['call', 'usr-service', 'GetUser'], service],
    [['call', 'user-service', 'GetUsr'], /no method 'GetUsr'; did you mean GetUser\?/],
  ])('is an error of `weft %j`, which suggests the nearest one', async (words, message) => {
    const { code, stderr, stdout } = await ask(words);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('is an error of `weft logs`, which suggests a service or an instance', async () => {
    const logs = (name: string) => runWeftHere(['logs', name], folder.path);
    expect(await logs('usr-service')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no log of 'usr-service' .*; did you mean user-service\?/),
    });
    expect(await logs('user-service-7')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/; did you mean user-service-1\?/),
    });
  });

  it('lists what there is if nothing comes near', async () => {
    const { stderr } = await ask(['instances', 'x']);
    expect(stderr).toMatch(/no service 'x' is registered; there are order-service, user-service$/m);
  });
});

describe('a name that exists', () => {
  it('is no error, whatever else leaves nothing to show', async () => {
    expect(await ask(['instances', 'user-service', '--zone', 'none'])).toMatchObject({ code: 0 });
    expect(await ask(['breakers', 'user-service', 'user-a'])).toMatchObject({
      code: 0,
      stderr: 'weft: all breakers of user-service/user-a are closed\n',
    });
    expect(await ask(['events', '--service', 'user-service', '-n', '0'])).toMatchObject({
      code: 0,
    });
  });
});
