import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { identityOf } from '../../orchestrator/src/process/process-identity.ts';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { TestMesh, usersOf } from '../support/test-mesh.ts';
import { runWeftHere } from '../support/weft-here.ts';
import { runWeft, stubCommand, writeWeftYaml } from '../support/weft-process.ts';

const repository = join(import.meta.dirname, '..', '..');
const examples = join(repository, 'test', 'fixtures', 'architecture');

/** A busy machine takes its time to start processes. */
const PATIENCE_MS = 120_000;

describe('weft verify', () => {
  it(
    'finds nothing wrong with the shop',
    async () => {
      const { code, stdout } = await runWeft(['verify'], { folder: repository });
      expect(stdout).toMatch(/\d+ of 13 rules hold/);
      expect(stdout).not.toContain('FAIL');
      expect(stdout).toMatch(
        /order-service +│ user\.v1\.UserService +│ user-service +│ weft\.yaml/,
      );
      expect(code).toBe(0);
    },
    PATIENCE_MS,
  );

  it('ends with 1 and says what is wrong where something is', async () => {
    const file = join(examples, 'shared-file.yaml');
    const words = ['verify', '--file', file];
    const { code, stdout, stderr } = await runWeftHere(words);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAIL {2}data-isolation .*\n {6}user-service and order-service share/m);
    expect(stderr).toContain(`there is 1 finding: ${file} is not`);
    const json = JSON.parse((await runWeftHere([...words, '--json'])).stdout);
    expect(json).toMatchObject({
      file,
      architecture: { services: [{ name: 'user-service' }, {}, {}] },
      findings: [{ rule: 'data-isolation', services: ['user-service', 'order-service'] }],
    });
  });

  it('says so when weft.yaml cannot be read, or no registry answers', async () => {
    const missing = await runWeftHere(['verify', '--file', '/nowhere/weft.yaml']);
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot read') });
    const file = join(examples, 'sound.yaml');
    const silent = await runWeftHere(['verify', '--file', file, '--registry', '127.0.0.1:1']);
    expect(silent.stderr).toMatch(/the registry (cannot be read|does not tell its traffic)/);
    expect(silent.code).toBe(1);
  });
});

describe('weft verify of a mesh that is up', () => {
  let stage: TestMesh;
  beforeAll(async () => {
    stage = await TestMesh.start();
  });
  afterAll(() => stage.close());

  it('finds what is otherwise than weft.yaml says', async () => {
    await stage.serve('user-service', ['user-1'], { version: '1.0.0' });
    await stage.serve('user-service', ['user-2'], { version: '1.1.0' });
    await stage.serve('stray-service', ['stray-1']);
    const payments = stage.join({ telemetry: { intervalMs: 100 } });
    const { host } = await serveEcho(payments, 'payment-1', { name: 'payment-service' });
    stage.defer(() => host.close());
    const words = ['verify', '--file', join(examples, 'sound.yaml'), '--json'];
    await eventually(
      async () => {
        await usersOf(payments, 'user-service').getUser({ id: 'x' });
        const { stdout } = await runWeftHere([...words, '--registry', stage.registry.address]);
        const { findings, architecture } = JSON.parse(stdout);
        expect(findings).toEqual([
          expect.objectContaining({
            rule: 'undeclared-dependency',
            services: ['payment-service', 'user-service'],
          }),
          expect.objectContaining({ rule: 'unknown-service', services: ['stray-service'] }),
          expect.objectContaining({ rule: 'offers-differ', services: ['payment-service'] }),
          expect.objectContaining({ rule: 'mixed-versions', services: ['user-service'] }),
        ]);
        expect(architecture.nodes).toHaveLength(4);
        expect(architecture.map).toContainEqual({
          caller: 'payment-service',
          interface: 'user.v1.UserService',
          provider: 'user-service',
          sources: ['observed'],
        });
      },
      { withinMs: 20_000, everyMs: 200 },
    );
  });
});

/** What a command started, and the folder of its mesh: none of it may be left. */
function leftOf(stderr: string) {
  const pids = [...stderr.matchAll(/\(pid (\d+)/g)].map(([, pid]) => Number(pid));
  const [folder = ''] = /\S+weft-verify-\S+/.exec(stderr) ?? [];
  return {
    started: pids.length,
    running: pids.filter((pid) => identityOf(pid) !== undefined),
    isFolderThere: folder === '' || existsSync(folder),
  };
}

describe('weft verify --live', () => {
  it(
    'shows that the services of the shop are autonomous',
    async () => {
      const run = { folder: repository };
      const { code, stdout, stderr } = await runWeft(['verify', '--live', '--json'], run);
      const { findings, rules, trial, architecture } = JSON.parse(stdout);
      expect(findings).toEqual([]);
      expect(code).toBe(0);
      expect(rules.map(({ verdict }: { verdict: string }) => verdict)).toEqual(
        Array.from({ length: 16 }, () => 'holds'),
      );
      const messages = trial.map(({ message }: { message: string }) => message);
      expect(messages).toEqual(
        expect.arrayContaining([
          'order-service starts while user-service is down',
          'order-service stays healthy while user-service is down',
          'ListUserOrders of order-service ends OK while user-service is down',
          'CreateOrder of order-service ends UNAVAILABLE while user-service is down',
          'payment-service starts while order-service is down',
          'ProcessPayment of payment-service ends UNAVAILABLE while order-service is down',
        ]),
      );
      expect(architecture.map).toContainEqual({
        caller: 'order-service',
        interface: 'user.v1.UserService',
        provider: 'user-service',
        sources: ['declared', 'listed', 'observed'],
      });
      const left = leftOf(stderr);
      expect(left).toMatchObject({ running: [], isFolderThere: false });
      expect(left.started).toBeGreaterThanOrEqual(5);
    },
    PATIENCE_MS,
  );

  it(
    'names a service that cannot do without another',
    async () => {
      using folder = tempFolder('weft-verify-test-');
      writeWeftYaml(folder.path, {
        registry: { store: 'memory' },
        services: {
          'user-service': { command: stubCommand('user-service') },
          'order-service': {
            command: stubCommand('order-service'),
            dependencies: ['user-service'],
            environment: { STUB_NEEDS: 'user-service' },
            offers: ['user.v1.UserService'],
          },
        },
      });
      const run = { folder: folder.path };
      const { code, stdout, stderr } = await runWeft(['verify', '--live'], run);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^FAIL {2}interface-shared/m);
      expect(stdout).toMatch(
        /^FAIL {2}autonomous-start .*\n {6}order-service does not start while user-service is down: .*tried 3 times/m,
      );
      expect(stdout).toMatch(/^pass {2}autonomous-health/m);
      expect(leftOf(stderr)).toMatchObject({ running: [], isFolderThere: false });
    },
    PATIENCE_MS,
  );
});
