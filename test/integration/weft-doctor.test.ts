import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { weftVersion } from '@weft/proto';
import { PeerServiceDefinition } from '@weft/proto/peer';
import { RegistryServiceDefinition } from '@weft/proto/registry';
import { TelemetryServiceDefinition } from '@weft/proto/telemetry';
import { createServer as createGrpcServer } from 'nice-grpc';
import type { Finding } from '../../orchestrator/src/doctor/examine.ts';
import { identityOf } from '../../orchestrator/src/process/process-identity.ts';
import { writeState } from '../../orchestrator/src/state-file.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient } from '../support/registry.ts';
import { type RegistryProcess, startRegistry } from '../support/registry-process.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { describeWith } from '../support/tools.ts';
import { runWeftHere } from '../support/weft-here.ts';
import { stubCommand, writeWeftYaml } from '../support/weft-process.ts';

const SERVICES = { shop: { command: stubCommand('shop') } };

describeWith(['etcd', 'etcdctl'], 'weft doctor', () => {
  const folder = tempFolder('weft-doctor-');
  const file = join(folder.path, 'weft.yaml');
  const cleanup: (() => unknown)[] = [];
  let etcd: TestEtcd;
  let registry: RegistryProcess;
  let address: string;

  beforeAll(async () => {
    etcd = await createTestEtcd();
    process.env.ETCD_ENDPOINTS = etcd.endpoint;
    const clock = join(import.meta.dirname, '..', 'fixtures', 'jumping-clock.mjs');
    registry = startRegistry({
      flags: ['--port', '0', '--etcd', etcd.endpoint],
      node: ['--import', clock],
    });
    address = await registry.ready();
    writeWeftYaml(folder.path, { registry: { port: 0 }, services: SERVICES });
  });

  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });

  afterAll(async () => {
    delete process.env.ETCD_ENDPOINTS;
    await registry.end();
    await etcd.close();
    folder[Symbol.dispose]();
  });

  /** What is not well, a line each, and the exit code. */
  async function examined(...words: string[]) {
    const { code, stdout } = await runWeftHere(['--file', file, 'doctor', '--json', ...words]);
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    for (const { kind, advice } of findings) {
      expect({ kind, isAdvised: advice !== undefined }).toEqual({
        kind,
        isAdvised: kind === 'warn' || kind === 'fail',
      });
    }
    const unwell = findings.filter(({ kind }) => kind === 'warn' || kind === 'fail');
    return {
      code,
      unwell: unwell.map(({ kind, check, text }) => `${kind} ${check}: ${text}`),
      findings,
    };
  }

  it('finds nothing where all is well, of the mesh that it is told of', async () => {
    const { code, unwell, findings } = await examined('--registry', address);
    expect({ code, unwell }).toEqual({ code: 0, unwell: [] });
    const of = (check: string) => findings.filter((one) => one.check === check);
    expect(of('etcd')).toMatchObject([{ text: expect.stringMatching(/version 3\.\d/) }]);
    expect(of('registry')).toMatchObject([
      { text: `the registry at ${address} serves` },
      { text: 'its clock and ours agree' },
    ]);
    const { stdout } = await runWeftHere(['--file', file, 'doctor', '--registry', address]);
    expect(stdout).toMatch(/^pass +registry .*\n[\s\S]*^0 wrong, 0 to look at$/m);
  });

  it('names every fault of weft.yaml, and programs and ports that cannot be had', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    cleanup.push(() => new Promise((resolve) => taken.close(resolve)));
    await eventually(() => expect(taken.listening).toBe(true));
    const { port } = taken.address() as { port: number };
    cleanup.push(() => writeWeftYaml(folder.path, { registry: { port: 0 }, services: SERVICES }));
    writeWeftYaml(folder.path, {
      registry: { port },
      services: { shop: { command: 'no-such-program --fast' } },
    });
    expect(await examined('--registry', address)).toMatchObject({
      code: 1,
      unwell: [
        "fail programs: shop: 'no-such-program' is no program here",
        expect.stringMatching(/^fail ports: 127\.0\.0\.1:\d+, wanted for the registry, is taken/),
      ],
    });
    writeWeftYaml(folder.path, { registry: { port: -1 }, services: {} });
    const { unwell } = await examined('--registry', address);
    expect(unwell).toEqual([
      expect.stringMatching(/^fail weft\.yaml: .*registry\.port: must be a whole number/),
      expect.stringMatching(/^fail weft\.yaml: .*services: names no service/),
    ]);
  });

  it('finds what a killed weft up left running', async () => {
    const left = spawn('sleep', ['60'], { detached: true });
    const gone = spawn('true');
    const orchestrator = identityOf(gone.pid ?? 0);
    await new Promise((resolve) => gone.once('close', resolve));
    const stateFile = join(folder.path, '.weft', 'state.json');
    writeState(stateFile, {
      orchestrator: orchestrator ?? { pid: gone.pid ?? 0, startedAs: 'long ago' },
      control: '',
      registry: '',
      page: '',
      etcd: '',
      processes: [
        {
          ...(identityOf(left.pid ?? 0) ?? { pid: 0, startedAs: '' }),
          ...{ name: 'shop-1', specification: '', instanceId: '', startTimeMs: 0 },
        },
      ],
    });
    try {
      const { code, unwell } = await examined('--registry', address);
      expect({ code, unwell }).toEqual({
        code: 0,
        unwell: [expect.stringMatching(/^warn leftovers: .*shop-1 \(pid \d+\)$/)],
      });
    } finally {
      left.kill('SIGKILL');
      await new Promise((resolve) => left.once('close', resolve));
    }
  });

  it('finds an instance that is listed and does not answer', async () => {
    const { client, close } = createRegistryClient(address);
    cleanup.push(close);
    const where = { host: '127.0.0.1', port: 1 };
    await client.register({
      instance: { service: 'shop', id: 'a', address: where },
      skipCallback: true,
    });
    cleanup.push(() => client.deregister({ service: 'shop', id: 'a' }));
    const { code, unwell } = await examined('--registry', address);
    expect({ code, unwell }).toEqual({
      code: 1,
      unwell: ['fail instances: shop/a does not answer SERVING at 127.0.0.1:1 from here'],
    });
  });

  it('finds a registry of another version, and one that is not there', async () => {
    const server = createGrpcServer();
    server.add(PeerServiceDefinition, {
      identify: async () => ({ service: 'registry', weftVersion: '0.0.1' }),
    });
    const { listServices, listInstances } = RegistryServiceDefinition.methods;
    const methods = { listServices, listInstances };
    server.add(
      { ...RegistryServiceDefinition, methods },
      {
        listServices: async () => ({}),
        listInstances: async () => ({}),
      },
    );
    const { watchTraffic } = TelemetryServiceDefinition.methods;
    server.add(
      { ...TelemetryServiceDefinition, methods: { watchTraffic } },
      {
        async *watchTraffic() {
          yield { time: new Date() };
        },
      },
    );
    const port = await server.listen('127.0.0.1:0');
    const old = await examined('--registry', `127.0.0.1:${port}`);
    await server.shutdown();
    expect(old.unwell).toContain(
      `warn registry: the registry at 127.0.0.1:${port} is Weft 0.0.1, this is ${weftVersion()}`,
    );
    const none = await examined('--registry', '127.0.0.1:1');
    expect(none).toMatchObject({ code: 1 });
    expect(none.unwell).toEqual([
      expect.stringMatching(/^fail registry: the registry at 127\.0\.0\.1:1 cannot answer/),
    ]);
  });

  it('asks the one of several registries that answers, from wherever it is called', async () => {
    const elsewhere = tempFolder('weft-doctor-');
    cleanup.push(() => elsewhere[Symbol.dispose]());
    const nowhere = ['--file', join(elsewhere.path, 'weft.yaml'), 'doctor', '--json'];
    const { code, stdout } = await runWeftHere([
      ...nowhere,
      ...['--registry', `127.0.0.1:1,${address}`],
    ]);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain(`the registry at ${address} serves`);
    expect(stdout).toMatch(/"kind": "skip",\s+"text": "there is no .*weft\.yaml here"/);
    expect(await runWeftHere(nowhere.slice(0, 3))).toMatchObject({ code: 1 });
  });

  it('takes no etcd for gone that went with its mesh', async () => {
    const stateFile = join(folder.path, '.weft', 'state.json');
    const orchestrator = { pid: 2 ** 22 + 1, startedAs: 'long ago' };
    const where = { control: '', registry: '', page: '', etcd: '127.0.0.1:1' };
    writeState(stateFile, { orchestrator, ...where, processes: [] });
    const { ETCD_ENDPOINTS } = process.env;
    delete process.env.ETCD_ENDPOINTS;
    try {
      expect(await examined('--registry', address)).toMatchObject({ code: 0, unwell: [] });
    } finally {
      process.env.ETCD_ENDPOINTS = ETCD_ENDPOINTS;
    }
  });

  it('F17: finds the alarm of an etcd that is full', async () => {
    const alarm = async (action: string) => {
      const status = await etcd.ctl('-w', 'json', 'endpoint', 'status');
      const memberID = /"member_id":(\d+)/.exec(status)?.[1];
      const body = JSON.stringify({ action, memberID, alarm: 'NOSPACE' });
      const headers = { connection: 'close' };
      const url = `http://${etcd.endpoint}/v3/maintenance/alarm`;
      await (await fetch(url, { method: 'POST', body, headers })).text();
    };
    await alarm('ACTIVATE');
    cleanup.push(() => etcd.ctl('alarm', 'disarm'));
    const { code, unwell } = await examined('--registry', address);
    expect(code).toBe(1);
    expect(unwell).toEqual([
      expect.stringMatching(/^fail etcd: etcd at .* raised the alarm NOSPACE$/),
    ]);
  });

  it('F11: finds an etcd that is gone, and a registry that has lost it', async () => {
    await etcd.kill();
    await eventually(
      async () => {
        const { code, unwell } = await examined('--registry', address);
        expect(code).toBe(1);
        expect(unwell).toEqual([
          expect.stringMatching(/^fail etcd: etcd at .* does not answer: /),
          expect.stringMatching(/^fail registry: .* has lost its store/),
        ]);
      },
      { withinMs: 15_000 },
    );
    await etcd.start();
    await eventually(
      async () => expect((await examined('--registry', address)).unwell).toEqual([]),
      {
        withinMs: 15_000,
      },
    );
  });

  it('finds a clock that is off', async () => {
    registry.child.kill('SIGUSR2');
    await eventually(() => expect(registry.output.err).toContain('the clock says'));
    const { code, unwell } = await examined('--registry', address);
    expect({ code, unwell }).toEqual({
      code: 0,
      unwell: [expect.stringMatching(/^warn registry: its clock is 3\d\d\d\.\d s ahead of ours$/)],
    });
  });
});
