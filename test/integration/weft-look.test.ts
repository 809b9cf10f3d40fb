import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Mesh, Status } from '@weft/client-sdk';
import { InstanceStatus, InstanceType } from '@weft/proto/registry';
import { findProgram } from '../../scripts/tools/program.ts';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { TestMesh, usersOf, warmUp } from '../support/test-mesh.ts';
import { runWeftHere } from '../support/weft-here.ts';
import { startWeft, type WeftProcess, weftCommand } from '../support/weft-process.ts';

/** Processes take their time to start where others start theirs. */
const PATIENCE_MS = 60_000;

/** No lease ends for want of a processor. */
const LASTING = { ttlSeconds: 60 };

const folder = tempFolder();
const running: WeftProcess[] = [];
let stage: TestMesh;
let caller: Mesh;
let callees: EchoInstance[];
let steady: NodeJS.Timeout;

/** `shop` calls `user-service` all the time, and has not declared that. */
beforeAll(async () => {
  stage = await TestMesh.start({ allowActions: true });
  callees = await stage.serve('user-service', ['user-a', 'user-b'], {
    ...LASTING,
    version: '1.2',
    zone: 'z1',
  });
  caller = stage.join({ telemetry: { intervalMs: 100 } });
  const { host } = await serveEcho(caller, 'shop-1', {
    ...LASTING,
    name: 'shop',
    dependencies: ['lost'],
  });
  stage.defer(() => host.close());
  await host.registered();
  const users = usersOf(caller, 'user-service');
  await warmUp(users, callees);
  steady = setInterval(() => void users.getUser({ id: 'x' }).catch(() => {}), 20);
});

afterAll(async () => {
  clearInterval(steady);
  for (const weft of running) {
    weft.signal('SIGKILL');
    await weft.exited;
  }
  await stage.close();
  folder[Symbol.dispose]();
});

const here = (...words: string[]) => runWeftHere([...words, '--registry', stage.registry.address]);

async function json(...words: string[]) {
  const { code, stdout, stderr } = await here(...words, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

function start(words: string[], registry = stage.registry.address): WeftProcess {
  const weft = startWeft([...words, '--registry', registry], { folder: folder.path });
  running.push(weft);
  return weft;
}

const linesOf = (text: string) => text.trimEnd().split('\n');

describe('what is registered, and its traffic', () => {
  it('is listed service by service', async () => {
    await eventually(async () => {
      const { services, stale } = await json('services');
      expect(stale).toBe(false);
      expect(services).toMatchObject([
        { name: 'shop', instances: 1, running: 1 },
        { name: 'user-service', instances: 2, running: 2, versions: ['1.2'], errorsPerSecond: 0 },
      ]);
      expect(services[1].callsPerSecond).toBeGreaterThan(1);
      expect(services[1].p99Ms).toBeGreaterThan(0);
    });
    const lines = linesOf((await here('services')).stdout);
    expect(lines[0]).toMatch(/^SERVICE +INSTANCES +RUNNING +VERSIONS +CALLS\/S +ERRORS +P99$/);
    expect(lines[2]).toMatch(/^user-service +2 +2 +1\.2 +[\d.]+ +0% +[\d.]+ ms$/);
  });

  it('is listed instance by instance, filtered', async () => {
    const lines = linesOf((await here('instances', 'user-service')).stdout);
    expect(lines).toHaveLength(3);
    const row =
      /^user-service +user-a +127\.0\.0\.1:\d+ +RUNNING +- +z1 +1\.2 +1 +[0-9a-f]+ +60 s$/;
    expect(lines[1]).toMatch(row);
    const { instances } = await json('instances', '--status', 'running', '--zone', 'z1');
    expect(instances.map(({ id }: { id: string }) => id)).toEqual(['user-a', 'user-b']);
    expect(instances[0].status).toBe('INSTANCE_STATUS_RUNNING');
    const none = await here('instances', '--version', '9');
    expect(none).toEqual({ code: 0, stdout: '', stderr: 'weft: no such instance is registered\n' });
    expect(await here('instances', '--status', 'well')).toMatchObject({ code: 2 });
  });

  it('is told once by ps and by top where there is no mesh or no terminal', async () => {
    const { processes } = await json('ps', '--file', join(folder.path, 'weft.yaml'));
    expect(processes).toHaveLength(3);
    expect(processes[1]).toMatchObject({
      service: 'user-service',
      instanceId: 'user-a',
      registered: { status: 'RUNNING' },
    });
    const { stdout } = await here('top', '--once');
    expect(stdout).toMatch(/2 services, 3 instances, [\d.]+ calls\/s/);
    expect(stdout).toMatch(/^INSTANCE .*\nuser-service\/user-[ab] +RUNNING/m);
    const { services } = await json('top');
    expect(services[0]).toMatchObject({ name: 'user-service', running: 2, breakersNotClosed: 0 });
  });

  it('is drawn as a graph, with what was not declared and what was not seen', async () => {
    const { edges } = await json('graph');
    expect(edges).toMatchObject([
      { from: 'shop', to: 'lost', declared: true, seen: false, undeclared: false },
      { from: 'shop', to: 'user-service', declared: false, seen: true, undeclared: true },
    ]);
    const { stdout } = await here('graph');
    expect(stdout).toMatch(/^shop\n├─ lost \(not registered\) {2}no calls seen\n└─ user-service /);
    expect(stdout).toMatch(/not declared$/m);
    expect((await here('graph', '--dot')).stdout).toMatch(/"shop" -> "user-service" .*color=red/);
    expect((await here('graph', '--mermaid')).stdout).toMatch(/^flowchart LR\n/);
    expect(await here('graph', '--dot', '--mermaid')).toMatchObject({ code: 2 });
  });
});

describe('what goes wrong', () => {
  it('is said: which registry, and what to do', async () => {
    const { code, stderr } = await runWeftHere(['services', '--registry', '127.0.0.1:1']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/registry at 127\.0\.0\.1:1 cannot answer: .*ECONNREFUSED.*--registry/);
    const input = await here('instances', 'No/Name');
    expect(input).toMatchObject({ code: 1, stderr: expect.stringMatching(/service: must be/) });
    const unknown = await here('drain', 'nobody');
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/there are shop/) });
  });

  it('does not keep a list of registries from being asked', async () => {
    const both = `127.0.0.1:1,${stage.registry.address}`;
    const { code, stdout } = await runWeftHere(['instances', 'shop', '--registry', both]);
    expect(code).toBe(0);
    expect(linesOf(stdout)).toHaveLength(2);
  });
});

describe('a breaker that opens', () => {
  it('is listed with whose it is, and stands among the events', async () => {
    expect(await here('breakers')).toMatchObject({ stderr: 'weft: all breakers are closed\n' });
    const [bad] = await stage.serve('fragile', ['bad', 'good'], LASTING);
    if (bad) bad.behaviour.failWith = Status.INTERNAL;
    const fragile = usersOf(caller, 'fragile');
    await eventually(async () => {
      await fragile.getUser({ id: 'x' }).catch(() => {});
      expect(caller.breakers().some(({ state }) => state === 'open')).toBe(true);
    });
    await eventually(async () => {
      const { breakers } = await json('breakers', 'fragile');
      expect(breakers).toMatchObject([
        { service: 'fragile', instance: 'bad', state: 'OPEN', heldBy: 'shop/shop-1' },
      ]);
    });
    expect((await here('breakers')).stdout).toMatch(/^fragile +bad +OPEN +shop\/shop-1 +/m);
    const { events } = await json('events', '--service', 'fragile', '-n', '5');
    expect(events).toContainEqual(
      expect.objectContaining({ kind: 'EVENT_KIND_BREAKER_OPENED', instanceId: 'bad' }),
    );
    const { stdout } = await here('events', '-n', '1000');
    expect(stdout).toMatch(/REGISTERED +user-service\/user-b +at 127/);
    expect(stdout).toMatch(/BREAKER_OPENED +fragile\/bad +by shop\/shop-1/);
  });

  it('is closed and opened by hand', async () => {
    const stateOf = () =>
      caller.breakers().find(({ instanceId }) => instanceId === 'user-a')?.state;
    const opened = await here('breakers', 'user-service', 'user-a', '--open');
    expect(opened.stdout).toBe(
      'user-service/user-a: 1 client that calls it told to open the breaker\n',
    );
    await eventually(() => expect(stateOf()).toBe('open'));
    await eventually(async () => {
      const { stdout } = await here('breakers', 'user-service');
      expect(stdout).toMatch(/^user-service +user-a +OPEN by hand +shop\/shop-1/m);
    });
    const closed = await json('breakers', 'user-service', 'user-a', '--close');
    expect(closed).toMatchObject({
      state: 'CLOSED',
      ordered: [{ instance: 'user-a', clients: 1 }],
    });
    await eventually(() => expect(stateOf()).toBe('closed'));
    const nowhere = await here('breakers', '--open');
    expect(nowhere.stderr).toContain('name the service');
  });
});

describe('a drain', () => {
  const statusOf = () => stage.registry.store.catalog.get('user-service', 'user-b')?.status;

  it('ends once no client calls the instance, and is taken back', async () => {
    const first = await here('drain', 'user-service', 'user-b', '--json');
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({
      instances: ['user-b'],
      drained: true,
      holders: [],
    });
    expect(statusOf()).toBe(InstanceStatus.INSTANCE_STATUS_STOPPING);
    const callsSoFar = callees[1]?.calls;
    const before = callees[0]?.calls ?? 0;
    await eventually(() => expect(callees[0]?.calls).toBeGreaterThan(before + 3));
    expect(callees[1]?.calls).toBe(callsSoFar);
    const again = await here('drain', 'user-service', 'user-b');
    expect(again.stdout).toBe('drained user-service/user-b: no client calls it any more\n');
    const undone = await here('drain', 'user-service', '--undo');
    expect(undone.stdout).toBe('user-service/user-b takes calls again\n');
    expect(statusOf()).toBe(InstanceStatus.INSTANCE_STATUS_RUNNING);
    expect(await here('drain', 'user-service', '--undo')).toMatchObject({ code: 1 });
    expect((await here('drain', 'user-service', 'user')).stderr).toMatch(/user-a, user-b: say/);
  });

  it('is given up in time, naming who holds it up', async () => {
    // A client that follows, and never says that it has.
    const stopper = new AbortController();
    let isTold = false;
    const reading = (async () => {
      const request = { services: ['user-service'], client: 'slow-one', watchId: randomUUID() };
      const { signal } = stopper;
      for await (const _ of stage.admin.watch(request, { signal })) isTold = true;
    })().catch(() => {});
    stage.defer(() => stopper.abort());
    await eventually(() => expect(isTold).toBe(true));
    const result = await here('drain', 'user-service', 'user-b', '--timeout', '1');
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/waiting for 1 client: slow-one[\s\S]*stay STOPPING/),
    });
    stopper.abort();
    await reading;
    expect(await here('drain', 'user-service', '--undo')).toMatchObject({ code: 0 });
  });
});

describe('as it happens', () => {
  it('instances and events are told on, also by a registry that was started again', async () => {
    let own = await createTestRegistry();
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => own.close());
    const { address } = own;
    const port = Number(address.split(':')[1]);
    const here = { host: '127.0.0.1', port: 5000 };
    const list = (id: string) =>
      own.store.register({ ...instance, id, service: 'cart', address: here, incarnation: id }, 600);
    const instance = {
      ...{
        type: InstanceType.INSTANCE_TYPE_API,
        version: '',
        zone: '',
        weight: 1,
        metadata: new Map(),
        dependencies: [],
      },
      ...{ status: InstanceStatus.INSTANCE_STATUS_RUNNING, startTime: new Date() },
      healthCheck: undefined,
    } as const;
    await list('one');
    const watch = start(['watch', 'cart', '--json'], address);
    const events = start(['events', '-f'], address);
    await watch.waitFor(/"kind":"LISTED".*"id":"one"/, PATIENCE_MS);
    await events.waitFor(/REGISTERED +cart\/one/, PATIENCE_MS);
    await own.close();
    await watch.waitFor(/is lost .*trying again/, PATIENCE_MS);
    await events.waitFor(/is lost .*trying again/, PATIENCE_MS);
    own = await createTestRegistry({ port });
    await list('two');
    await watch.waitFor(
      /"kind":"REMOVED".*"id":"one"[\s\S]*"kind":"ADDED".*"id":"two"/,
      PATIENCE_MS,
    );
    await events.waitFor(/REGISTERED +cart\/two/, PATIENCE_MS);
    expect(events.output().match(/cart\/one/g)).toHaveLength(1);
    for (const weft of [watch, events]) {
      weft.signal('SIGTERM');
      await weft.exited;
    }
  }, 180_000);

  const script = process.platform === 'linux' ? findProgram('script') : undefined;

  (script ? it : it.skip)(
    'top draws at a terminal, and gives it back at q',
    async () => {
      const words = ['top', '--registry', stage.registry.address];
      const command = weftCommand(words).map((word) => `'${word}'`);
      const inner = `stty rows 12 cols 70; exec ${command.join(' ')}`;
      const terminal = spawn(script ?? '', ['-qec', inner, '/dev/null'], {
        cwd: folder.path,
        env: { ...process.env, TERM: 'xterm', WEFT_REGISTRY: '' },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const ended = once(terminal, 'close');
      using cleanup = new DisposableStack();
      cleanup.defer(() => terminal.kill('SIGKILL'));
      let output = '';
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      await eventually(() => expect(output).toMatch(/user-service\/user-a/), {
        withinMs: PATIENCE_MS,
      });
      terminal.stdin.write('q');
      expect((await ended)[0]).toBe(0);
      const visible = output.replaceAll('\x1b', '<esc>').trimEnd();
      expect(visible).toMatch(/<esc>\[\?1049h[\s\S]*<esc>\[\?25h<esc>\[\?1049l$/);
    },
    90_000,
  );
});
