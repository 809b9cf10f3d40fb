import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { callSteadily } from '../../support/steady-calls.ts';
import { TestMesh, usersOf, warmUp } from '../../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

it('F27: the only instance there is may end connections, and no call fails', async () => {
  const started = await stage.serve('alone', ['only'], { maxConnectionAgeMs: 150 });
  const mesh = stage.join();
  const users = usersOf(mesh, 'alone');
  await warmUp(users, started);
  for (const { behaviour } of started) behaviour.delayMs = 5;
  const loads = [
    callSteadily(300, (report) => users.createUser({ name: 'x' }, report)),
    callSteadily(300, (report) => users.getUser({ id: 'x' }, report)),
  ];
  for (const load of loads) stage.defer(() => load.stop());
  // Refused, as the connection was ending: never looked at, so that it is made again whatever it is.
  const refused = () =>
    loads.map(({ done }) => done.filter(({ report }) => (report?.attempts.length ?? 0) > 1));
  await eventually(() => {
    for (const calls of refused()) expect(calls.length).toBeGreaterThan(5);
  });
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap((load) => load.failures())).toEqual([]);
  expect(refused()[0]?.[0]?.report?.attempts).toMatchObject([
    { instance: 'only', status: 'UNAVAILABLE' },
    { instance: 'only', status: 'OK' },
  ]);
  expect(mesh.breakers()).toMatchObject([{ state: 'closed', failures: 0 }]);
});
