import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import { eventually } from '../support/eventually.ts';
import { meshStatusOf } from '../support/mesh-status.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { runWeftHere } from '../support/weft-here.ts';
import {
  meshStateOf,
  startWeft,
  stubCommand,
  type WeftProcess,
  writeWeftYaml,
} from '../support/weft-process.ts';

/** At 4 a stub, 14 calls under way need 4 of the 5 there may be. */
const CALLERS = 14;
const CALLS_MS = 100;
/** What is counted over 10 s, then a cool-down of 1 s; and a busy machine. */
const PATIENT_MS = 45_000;

describe('a service that follows its load', () => {
  const folder = tempFolder('weft-scaling-');
  let up: WeftProcess;
  let mesh: Mesh;
  const weft = (...words: string[]) => runWeftHere(words, folder.path);

  async function statusOf(service: string) {
    const { services } = await meshStatusOf(folder.path);
    return services.find(({ name }) => name === service);
  }
  const stub = () => statusOf('stub');

  beforeAll(async () => {
    writeWeftYaml(folder.path, {
      registry: { port: 0, store: 'memory' },
      services: {
        stub: {
          command: stubCommand('stub'),
          scale: { min: 1, max: 5, inFlight: 4, cooldownMs: 1000 },
          environment: { STUB_DELAY_MS: CALLS_MS },
          health: { intervalMs: 200 },
        },
        busy: {
          command: stubCommand('busy'),
          scale: { max: 2, cpu: 0.1 },
          environment: { STUB_SPIN_MS: 20 },
          health: { intervalMs: 200 },
        },
      },
    });
    up = startWeft(['up'], { folder: folder.path });
    await up.waitFor(/The mesh is up/);
    mesh = createMesh({
      registry: meshStateOf(folder.path).registry,
      telemetry: { intervalMs: 250 },
    });
  }, 30_000);

  afterAll(async () => {
    mesh?.close();
    up?.signal('SIGTERM');
    await up?.exited;
  }, 30_000);

  it(
    'grows with it, fails no call, and shrinks again when it is gone',
    async () => {
      expect(await stub()).toMatchObject({ desiredInstances: 1 });
      const users = mesh.client(UserServiceDefinition, { service: 'stub' });
      const answered = new Set<string>();
      let isOver = false;
      const callers = Array.from({ length: CALLERS }, async () => {
        while (!isOver) {
          const { user } = await users.getUser({ id: 'x' }, { retry: false } as object);
          answered.add(user?.name ?? '');
        }
      });
      await eventually(
        async () => {
          const now = await stub();
          expect(now?.desiredInstances).toBeGreaterThanOrEqual(4);
          expect(now?.processes.filter(({ healthy }) => healthy)).toHaveLength(
            now?.desiredInstances ?? 0,
          );
          expect(answered.size).toBeGreaterThanOrEqual(4);
        },
        { withinMs: PATIENT_MS },
      );
      const { stdout: top } = await weft('top', '--once');
      expect(top).toMatch(/stub .* 1 to 5 +\d+\.\d of 4 in flight/);
      const refused = await weft('scale', 'stub=9');
      expect(refused.code).not.toBe(0);
      expect(refused.stderr).toMatch(/must be 1 to 5, between which stub follows its load/);
      isOver = true;
      // Rejects when a call has failed, while the service grew or since.
      await Promise.all(callers);
      await eventually(
        async () => {
          const now = await stub();
          expect(now?.desiredInstances).toBe(1);
          expect(now?.processes).toHaveLength(1);
        },
        { withinMs: PATIENT_MS },
      );
      const { stdout: events } = await weft('events', '-n', '100');
      expect(events).toMatch(
        /SCALED +stub +by weft up@.* from 1 to \d: each has .* of 4 in flight/,
      );
      expect(events).toMatch(/SCALED +stub +by weft up@.* to 1: each has/);
      expect(up.output()).toMatch(/stub scales from \d to 1/);
    },
    2 * PATIENT_MS,
  );

  (process.platform === 'linux' ? it : it.skip)(
    'goes by the CPU that it uses where its target is one',
    async () => {
      const users = mesh.client(UserServiceDefinition, { service: 'busy' });
      let isOver = false;
      const caller = (async () => {
        while (!isOver) await users.getUser({ id: 'x' });
      })();
      await eventually(
        async () => expect(await statusOf('busy')).toMatchObject({ desiredInstances: 2 }),
        { withinMs: PATIENT_MS },
      );
      isOver = true;
      await caller;
      expect(up.output()).toMatch(/busy scales from 1 to 2: each has \d\.\d\d of 0\.1 cores/);
    },
    PATIENT_MS,
  );
});
