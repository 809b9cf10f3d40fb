import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EchoInstance } from '../support/echo-service.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { TestMesh } from '../support/test-mesh.ts';
import { runWeftHere } from '../support/weft-here.ts';
import { weftCommand } from '../support/weft-process.ts';

const folder = tempFolder();
/** Longer than a command line may be on some machines, and than one argument may be on Linux. */
const LARGE = JSON.stringify({ name: 'x'.repeat(200_000) });
let stage: TestMesh;
let echo: EchoInstance;

beforeAll(async () => {
  stage = await TestMesh.start();
  [echo] = (await stage.serve('user-service', ['user-a'], { ttlSeconds: 60 })) as [EchoInstance];
});
afterAll(async () => {
  await stage.close();
  folder[Symbol.dispose]();
});

const call = (...words: string[]) =>
  runWeftHere(['call', '--registry', stage.registry.address, 'user-service', ...words]);

function file(name: string, contents: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, contents);
  return path;
}

describe('the request of weft call', () => {
  it('comes from a file with -d @file', async () => {
    const { code, stdout, stderr } = await call('CreateUser', '-d', `@${file('large', LARGE)}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout).user.id).toBe(JSON.parse(LARGE).name);
  });

  it('comes from standard input with -d -', async () => {
    const words = ['call', '--registry', stage.registry.address, 'user-service', 'CreateUser'];
    const [node = '', ...parameters] = weftCommand([...words, '-d', '-']);
    const child = spawn(node, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(LARGE);
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).user.id).toBe(JSON.parse(LARGE).name);
  });

  it('may be an argument, or the text after -d', async () => {
    const asArgument = await call('GetUser', '{"id": "7"}');
    expect(JSON.parse(asArgument.stdout).user).toMatchObject({ id: '7' });
    expect(await call('GetUser', '--data', '{"id": "7"}')).toEqual(asArgument);
  });

  it.each([
    [['{"id": "7"}', '-d', '{}'], 2, /given twice/],
    [
      ['-d', '@/nowhere/request.json'],
      1,
      /cannot read \/nowhere\/request\.json: ENOENT: no such file or directory\n/,
    ],
    [['-d', '@'], 1, /-d @ names no file; write -d @request\.json/],
    [['-d', '{'], 1, /-d is not JSON/],
    [['-d', '[]'], 1, /-d is no JSON object/],
  ])('is refused if it cannot be used: %j', async (words, code, message) => {
    const result = await call('GetUser', ...words);
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) });
  });

  it('names the file that is not JSON', async () => {
    const path = file('broken.json', '{"id": ');
    const { code, stderr } = await call('GetUser', '-d', `@${path}`);
    expect(code).toBe(1);
    expect(stderr).toMatch(`${path} is not JSON: `);
  });
});

describe('the headers of weft call', () => {
  it('reach the service, several of one name and binary ones too', async () => {
    const headers = ['tenant: shop', 'X-Trace:a:b', 'tenant: other', 'token-bin: AAEC', 'empty:'];
    const { code, stderr } = await call('GetUser', ...headers.flatMap((each) => ['-H', each]));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { lastMetadata: metadata } = echo;
    expect(metadata.get('tenant')).toEqual(['shop, other']);
    expect(metadata.get('x-trace')).toEqual(['a:b']);
    expect(metadata.get('empty')).toEqual(['']);
    expect(metadata.get('token-bin')).toEqual([Buffer.from([0, 1, 2])]);
  });

  it.each([
    ['no colon', /name: value/],
    ['sp ace: x', /name/],
    ['x: ü', /ASCII/],
    ['x: a\nb', /ASCII/],
    ['token-bin: !', /base64/],
    ['grpc-timeout: 1S', /reserved/],
  ])('are refused if they cannot be sent: %j', async (header, message) => {
    const result = await call('GetUser', '--header', header);
    expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });
});

describe('the deadline of weft call', () => {
  it('ends the call', async () => {
    echo.behaviour.delayMs = 5_000;
    const startedAt = performance.now();
    const { code, stderr } = await call('GetUser', '--deadline', '0.2');
    echo.behaviour.delayMs = 0;
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/DEADLINE/) });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  it.each(['0', '-1', 'x', '', '3601'])('must be a number of seconds, unlike %j', async (text) => {
    expect(await call('GetUser', `--deadline=${text}`)).toMatchObject({ code: 2 });
  });
});
