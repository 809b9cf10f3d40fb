import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { type Instance, InstanceStatus } from '@weft/proto/registry';
import { isAlive } from '../../orchestrator/src/process/process-identity.ts';
import { shownFile } from '../../scripts/tools/build-greeters.ts';
import { eventually } from '../support/eventually.ts';
import { greet } from '../support/greeter-call.ts';
import { processesOf } from '../support/mesh-status.ts';
import { createRegistryClient } from '../support/registry.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWith, toolPath } from '../support/tools.ts';
import { meshStateOf, runWeft, startWeft, type WeftProcess } from '../support/weft-process.ts';

const SERVICES = ['go-greeter', 'python-greeter'] as const;

describeWith(['go-greeter', 'python-grpc'], 'the programs of orchestrator/README.md', () => {
  let folder: ReturnType<typeof tempFolder>;
  let up: WeftProcess;
  let mesh: Mesh;
  let registry: ReturnType<typeof createRegistryClient>;

  const weft = (...words: string[]) => runWeft(words, { folder: folder.path });

  async function start(): Promise<void> {
    up = startWeft(['up'], { folder: folder.path });
    await up.waitFor(/The mesh is up/, 40_000);
  }

  beforeEach(async () => {
    folder = tempFolder('weft-registered-');
    writeFileSync(join(folder.path, 'greeter.py'), shownFile('greeter.py'));
    const shown = shownFile('weft.yaml')
      .replace('./greeter', toolPath('go-greeter'))
      .replace('.venv/bin/python', toolPath('python-grpc'))
      .replace('python3', toolPath('python-grpc'));
    const services = shown.replace(/^( *)register: true$/gm, '$&\n$1health: { intervalMs: 200 }');
    const merged = services.replace(
      /\n *health: \{ intervalMs: 200 \}\n( *health: \{ type)/,
      '\n$1',
    );
    writeFileSync(
      join(folder.path, 'weft.yaml'),
      `registry: { port: 0, store: memory }\n${merged}`,
    );
    await start();
    const { registry: address } = meshStateOf(folder.path);
    mesh = createMesh({ registry: address });
    registry = createRegistryClient(address);
  }, 60_000);

  afterEach(async () => {
    mesh?.close();
    registry?.close();
    up.signal('SIGTERM');
    await up.exited;
    folder[Symbol.dispose]();
  });

  async function listed(service: string): Promise<Instance[]> {
    return (await registry.client.listInstances({ service })).instances;
  }

  /** Calls both greeters steadily. No call is sent twice, as the channels know no contract. */
  function callSteadily() {
    const failures: unknown[] = [];
    const answers = new Set<string>();
    const calls: Promise<unknown>[] = [];
    const channels = SERVICES.map((service) => mesh.channel(service));
    const timer = setInterval(() => {
      for (const channel of channels) {
        const call = greet(channel, 'Ada').then(
          (answer) => answers.add(answer),
          (error: Error) => failures.push(error.message),
        );
        calls.push(call);
      }
    }, 20);
    return {
      calls,
      async stop() {
        clearInterval(timer);
        await Promise.all(calls);
        return { failures, answers: [...answers].sort() };
      },
    };
  }

  it('are registered, called, replaced without a failed call, restarted, taken over and stopped', async () => {
    for (const service of [...SERVICES, 'pages']) {
      const instances = await listed(service);
      expect(instances).toHaveLength(service === 'pages' ? 1 : 2);
      for (const { status } of instances)
        expect(status).toBe(InstanceStatus.INSTANCE_STATUS_RUNNING);
    }

    const load = callSteadily();
    await eventually(() => expect(load.calls.length).toBeGreaterThan(50));
    for (const service of SERVICES) {
      expect(await weft('restart', service)).toMatchObject({ code: 0 });
    }
    expect(await load.stop()).toEqual({
      failures: [],
      answers: ['Hello Ada, from Go', 'Hello Ada, from Python'],
    });

    // A frozen one gets no calls; it is back when it runs again.
    const [frozen] = await processesOf(folder.path, 'go-greeter');
    process.kill(frozen?.pid ?? 0, 'SIGSTOP');
    const statusOfFrozen = async () =>
      (await listed('go-greeter')).find(({ id }) => id === frozen?.instanceId)?.status;
    try {
      await eventually(
        async () => expect(await statusOfFrozen()).toBe(InstanceStatus.INSTANCE_STATUS_ERROR),
        { withinMs: 10_000 },
      );
    } finally {
      process.kill(frozen?.pid ?? 0, 'SIGCONT');
    }
    await eventually(async () =>
      expect(await statusOfFrozen()).toBe(InstanceStatus.INSTANCE_STATUS_RUNNING),
    );

    // A killed one is gone at once, and another takes its place.
    const [killed] = await processesOf(folder.path, 'python-greeter');
    process.kill(killed?.pid ?? 0, 'SIGKILL');
    await eventually(
      async () => {
        const instances = await listed('python-greeter');
        expect(instances.map(({ id }) => id)).not.toContain(killed?.instanceId);
        expect(instances).toHaveLength(2);
      },
      { withinMs: 8000 },
    );

    // They outlive weft up, and the next one takes them over.
    const before = (await processesOf(folder.path)).map(({ name, pid }) => ({ name, pid }));
    up.signal('SIGKILL');
    await up.exited;
    await start();
    expect(await processesOf(folder.path)).toMatchObject(before);
    expect(await listed('go-greeter')).toHaveLength(2);
    for (const service of SERVICES) {
      expect(await greet(mesh.channel(service), 'Ada')).toMatch(/^Hello Ada/);
    }

    const { processes } = meshStateOf(folder.path);
    expect(processes).toHaveLength(6);
    expect(await weft('scale', 'go-greeter=0')).toMatchObject({ code: 0 });
    expect(await listed('go-greeter')).toEqual([]);
    up.signal('SIGINT');
    expect((await up.exited).code).toBe(0);
    expect(processes.filter(isAlive)).toEqual([]);
  }, 120_000);
});
