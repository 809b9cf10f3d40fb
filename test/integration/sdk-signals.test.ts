import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { type InstanceProcess, startInstance } from '../support/instance-process.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { TestMesh } from '../support/test-mesh.ts';

const folder = tempFolder('weft-signals-');
let mesh: TestMesh;

beforeAll(async () => {
  mesh = await TestMesh.start();
});

afterEach(() => mesh.clear());
afterAll(async () => {
  await mesh.close();
  folder[Symbol.dispose]();
});

/** An instance of `service` in a process of its own, with a call in flight that takes `callMs`. */
async function startCalled(service: string, callMs: number) {
  const events = join(folder.path, service);
  const environment = { STUB_DELAY_MS: String(callMs), STUB_EVENTS: events };
  const instance = startInstance(mesh.registry.address, service, service, 30, environment);
  mesh.defer(() => instance.end());
  await eventually(() => mesh.admin.getService({ service }), { withinMs: 20_000 });
  const users = mesh.users(service, { services: { [service]: { retry: false } } });
  const call = users.getUser({ id: 'noted' }, { timeoutMs: 30_000 }).then(
    ({ user }) => user?.name,
    (error: Error) => error.message,
  );
  await eventually(() => expect(readFileSync(events, 'utf8')).toContain('called'), {
    withinMs: 20_000,
  });
  return { instance, call };
}

async function isListed(service: string): Promise<boolean> {
  const { instances } = await mesh.admin.listInstances({ service });
  return instances.length > 0;
}

function signalTwice(instance: InstanceProcess, signal: NodeJS.Signals): void {
  instance.signal(signal);
  setTimeout(() => instance.signal(signal), 200);
}

it.concurrent.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'a service finishes its calls and deregisters on %s, also when it comes twice within a second',
  async (signal) => {
    const service = `on-${signal.toLowerCase()}`;
    const { instance, call } = await startCalled(service, 1000);
    signalTwice(instance, signal);
    expect(await call).toBe(service);
    expect(await instance.exited).toBe(0);
    expect(await isListed(service)).toBe(false);
  },
);

it.concurrent('a service ends at once with code 1 when a signal comes again after a second', async () => {
  const { instance, call } = await startCalled('impatient', 20_000);
  instance.signal('SIGTERM');
  await sleep(1100);
  instance.signal('SIGHUP');
  expect(await instance.exited).toBe(1);
  expect(await call).toMatch(/UNAVAILABLE/);
});
