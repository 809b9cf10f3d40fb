import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { GetUserResponse } from '@weft/proto/user';
import { eventually } from '../../support/eventually.ts';
import { answerOk, startRawServer } from '../../support/raw-server.ts';
import { callSteadily } from '../../support/steady-calls.ts';
import { TestMesh, usersOf, warmUp } from '../../support/test-mesh.ts';

/** For a machine with too much to do. */
const PATIENCE = { withinMs: 20_000 };

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

it('F27: the only instance there is may end connections, and no call fails', async () => {
  const started = await stage.serve('alone', ['only'], { maxConnectionAgeMs: 500 });
  const mesh = stage.join();
  const users = usersOf(mesh, 'alone');
  await warmUp(users, started);
  for (const { behaviour } of started) behaviour.delayMs = 5;
  const loads = [
    callSteadily(100, (report) => users.createUser({ name: 'x' }, report)),
    callSteadily(100, (report) => users.getUser({ id: 'x' }, report)),
  ];
  for (const load of loads) stage.defer(() => load.stop());
  await eventually(() => expect(loads[0]?.done.length).toBeGreaterThan(150));
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap((load) => load.failures())).toEqual([]);
  expect(mesh.breakers()).toMatchObject([{ state: 'closed', failures: 0 }]);
});

it('F27: calls that a server refuses unread, as it ends the connection, are made again', async () => {
  const message = GetUserResponse.encode({ user: undefined }).finish();
  const timers: NodeJS.Timeout[] = [];
  const server = await startRawServer((stream) => setTimeout(() => answerOk(stream, message), 5), {
    // Unlike Weft's servers it does not announce the end.
    onSession: (session) => timers.push(setTimeout(() => session.close(), 300)),
  });
  stage.defer(async () => {
    for (const timer of timers) clearTimeout(timer);
    await server.close();
  });
  await stage.list(server.port, { service: 'abrupt', id: 'only' });
  const mesh = stage.join();
  const users = usersOf(mesh, 'abrupt');
  const loads = [
    callSteadily(100, (report) => users.createUser({ name: 'x' }, report)),
    callSteadily(100, (report) => users.getUser({ id: 'x' }, report)),
  ];
  for (const load of loads) stage.defer(() => load.stop());
  // Never looked at, so that it is made again whatever it is.
  const refused = () =>
    loads.map(({ done }) => done.filter(({ report }) => (report?.attempts.length ?? 0) > 1));
  await eventually(() => {
    for (const calls of refused()) expect(calls.length).toBeGreaterThan(2);
  }, PATIENCE);
  await Promise.all(loads.map((load) => load.stop()));
  expect(loads.flatMap((load) => load.failures())).toEqual([]);
  expect(refused()[0]?.[0]?.report?.attempts).toMatchObject([
    { instance: 'only', status: 'UNAVAILABLE' },
    { instance: 'only', status: 'OK' },
  ]);
  expect(mesh.breakers()).toMatchObject([{ state: 'closed', failures: 0 }]);
});
