import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { InstanceStatus } from '@weft/proto/registry';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { TestMesh } from '../support/test-mesh.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';
import { runWeftHere } from '../support/weft-here.ts';
import { startWeft } from '../support/weft-process.ts';

const server = join(import.meta.dirname, '..', 'fixtures', 'plain-http.mjs');
const { INSTANCE_STATUS_RUNNING, INSTANCE_STATUS_ERROR, INSTANCE_STATUS_STOPPING } = InstanceStatus;

/** How long a process may take to start on a busy machine, as for `weft up` elsewhere. */
const START_MS = 40_000;

jest.setTimeout(90_000);

let mesh: TestMesh;

beforeAll(async () => {
  mesh = await TestMesh.start();
});

afterAll(() => mesh.close());

/** Runs the plain HTTP server by `weft run`, as the only instance of a service. */
function startRun(service: string, ...flags: string[]) {
  const folder = tempFolder('weft-run-');
  const words = ['run', '--service', service, '--port', '0', '--health', 'http:/healthz', ...flags];
  const program = ['--', process.execPath, server, '{port}', folder.path];
  const env = { WEFT_REGISTRY: mesh.registry.address };
  const weft = startWeft([...words, ...program], { folder: folder.path, env });
  mesh.defer(async () => {
    // Not SIGKILL: the program would outlive it.
    weft.signal('SIGTERM');
    await weft.exited;
    folder[Symbol.dispose]();
  });
  return { weft, file: (name: string) => join(folder.path, name) };
}

async function instanceOf(service: string) {
  const { instances } = await mesh.admin.listInstances({ service });
  return instances[0];
}

async function isListedAs(service: string, status: InstanceStatus): Promise<void> {
  await eventually(async () => expect(await instanceOf(service)).toMatchObject({ status }), {
    withinMs: 10_000,
  });
}

describe('weft run', () => {
  it.concurrent('registers a plain program, follows its health, and drains it before SIGTERM', async () => {
    const service = 'pages';
    const { weft, file } = startRun(service);
    await weft.waitFor(/is registered at/, START_MS);
    const { port = 0 } = (await instanceOf(service))?.address ?? {};
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);

    writeFileSync(file('status'), '503');
    await isListedAs(service, INSTANCE_STATUS_ERROR);
    writeFileSync(file('status'), '200');
    await isListedAs(service, INSTANCE_STATUS_RUNNING);

    const told = mesh.host.discover(service);
    expect((await told).instances).toHaveLength(1);
    const watch = new WatchRecorder(mesh.admin, { services: [service] });
    mesh.defer(() => watch.stop());
    await eventually(() => expect(watch.held.size).toBe(1));
    const stopping = eventually(
      () => {
        expect([...watch.held.values()]).toMatchObject([{ status: INSTANCE_STATUS_STOPPING }]);
        return Date.now();
      },
      { everyMs: 1 },
    );
    weft.signal('SIGTERM');
    const stoppingAt = await stopping;
    expect((await weft.exited).code).toBe(0);
    const [, terminatedAt] = /^SIGTERM (\d+)\n$/.exec(readFileSync(file('events'), 'utf8')) ?? [];
    expect(Number(terminatedAt)).toBeGreaterThanOrEqual(stoppingAt);
    expect(await instanceOf(service)).toBeUndefined();
    expect(weft.output()).toMatch(/pages is registered at 127\.0\.0\.1:\d+/);
    expect(weft.output()).toMatch(/pages fails its health check\n/);
  });

  it.concurrent('registers a program where others reach it', async () => {
    const service = 'mapped';
    const { weft } = startRun(service, '--advertise', '127.0.0.1:31080');
    await weft.waitFor(/is registered at/, START_MS);
    expect((await instanceOf(service))?.address).toMatchObject({ host: '127.0.0.1', port: 31080 });
    weft.signal('SIGTERM');
    expect((await weft.exited).code).toBe(0);
  });

  it.concurrent('ends with the exit code of its program, which is no instance any more', async () => {
    const service = 'short';
    const { weft } = startRun(service);
    await weft.waitFor(/is registered at/, START_MS);
    const { port = 0 } = (await instanceOf(service))?.address ?? {};
    await fetch(`http://127.0.0.1:${port}/exit`).catch(() => {});
    expect((await weft.exited).code).toBe(3);
    expect(await instanceOf(service)).toBeUndefined();
    expect(weft.output()).toMatch(/short has ended \(exit code 3\)/);
  });

  it.concurrent('kills a program that does not end in time, on SIGHUP as well', async () => {
    const service = 'stubborn';
    const { weft, file } = startRun(service, '--stop-timeout', '400');
    writeFileSync(file('stubborn'), '');
    await weft.waitFor(/is registered at/, START_MS);
    weft.signal('SIGHUP');
    expect((await weft.exited).code).toBe(128 + 9);
    expect(await instanceOf(service)).toBeUndefined();
  });

  it.concurrent('does not register a program that does not pass its health check', async () => {
    const service = 'unwell';
    const { weft, file } = startRun(service);
    writeFileSync(file('status'), '500');
    await eventually(() => expect(readFileSync(file('checks'), 'utf8').length).toBeGreaterThan(8), {
      withinMs: START_MS,
    });
    expect(await instanceOf(service)).toBeUndefined();
    weft.signal('SIGTERM');
    expect((await weft.exited).code).toBe(0);
  });

  it.concurrent('starts no program if --registry holds no address', async () => {
    const { weft } = startRun('misled', '--registry', 'nowhere');
    // A program that was started would keep weft running.
    expect(await weft.exited).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/registry must be `host:port`/),
    });
  });

  it.each([
    [
      'a program that does not exist',
      ['--port', '0', '--', 'no-such-program'],
      /no program 'no-such-program'/,
      1,
    ],
    [
      'an unknown health check',
      ['--port', '0', '--health', 'udp', '--', 'true'],
      /It must be grpc, /,
      2,
    ],
    [
      'an id that is none',
      ['--port', '0', '--id', 'A b', '--', 'true'],
      /It must be a DNS label/i,
      2,
    ],
    [
      'an advertised address that is none',
      ['--port', '0', '--advertise', 'here', '--', 'true'],
      /It must be host:port/,
      2,
    ],
    [
      'a host that is none',
      ['--port', '0', '--host', 'a b', '--', 'true'],
      /It must be a host name/,
      2,
    ],
    [
      'a host that no client can reach',
      ['--port', '0', '--host', '0.0.0.0', '--health', 'none', '--', 'true'],
      /0\.0\.0\.0 is a wildcard address\. Set --advertise/,
      2,
    ],
    [
      'a name that is none',
      ['--port', '0', '--service', 'A b', '--', 'true'],
      /It must be a DNS label/i,
      2,
    ],
  ])('refuses %s', async (_, words, message, code) => {
    const registry = ['--registry', mesh.registry.address];
    const run = await runWeftHere(['run', '--service', 'any', ...registry, ...words]);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(code);
  });
});
