import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type CallReport, callReport, Status } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import type { EchoInstance } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { stubCall } from '../../support/stub-call.ts';
import { TestMesh, usersOf, warmUp } from '../../support/test-mesh.ts';

const GET_USER = '/user.v1.UserService/GetUser';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

/** Three instances: `a` with an open breaker, the others failing. */
async function failing(service: string) {
  const started = await stage.serve(service, ['a', 'b', 'c']);
  const mesh = stage.join();
  const users = usersOf(mesh, service);
  await warmUp(users, started);
  mesh
    .breakers()
    .find(({ instanceId }) => instanceId === 'a')
    ?.open();
  for (const { behaviour } of started) behaviour.failWith = Status.UNAVAILABLE;
  return { started, mesh, users, revision: (await mesh.discover(service)).revision };
}

/** What is known of a failed call of `service`, whichever way it was made. */
function expected(service: string, revision: bigint) {
  const attempt = (instance: unknown) => ({
    instance,
    address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    status: 'UNAVAILABLE',
    endedBy: 'server',
    durationMs: expect.any(Number),
  });
  return {
    service,
    method: GET_USER,
    status: 'UNAVAILABLE',
    durationMs: expect.any(Number),
    candidates: 3,
    revision: String(revision),
    ageMs: expect.any(Number),
    openBreakers: ['a'],
    attempts: [attempt(expect.stringMatching(/[bc]/)), attempt(expect.stringMatching(/[bc]/))],
  };
}

describe('an error', () => {
  it('has a report of service, candidates, revision, open breakers and attempts', async () => {
    const { users, revision } = await failing('told');
    const error = await users.getUser({ id: 'x' }).catch((e: unknown) => e);
    expect(callReport(error)).toEqual(expected('told', revision));
    expect(error).toMatchObject({ details: 'told to fail' });
  });

  it('of the SDK itself names the same in its message', async () => {
    const { users, mesh, started, revision } = await failing('told-here');
    for (const { behaviour } of started) {
      Object.assign(behaviour, { failWith: undefined, delayMs: 2000 });
    }
    const error = await users.createUser({ name: 'x' }, { timeoutMs: 60 }).catch((e) => e);
    expect(error.details).toMatch(
      new RegExp(
        `^Deadline exceeded .* \\[told-here: 3 candidates at revision ${revision}, ` +
          '\\d+\\.\\d s old; breakers not closed: a; ' +
          'attempts: [bc] at 127\\.0\\.0\\.1:\\d+ DEADLINE_EXCEEDED in \\d+ ms\\]$',
      ),
    );
    expect(mesh.breakers().map(({ failures }) => failures)).toEqual([0, 0, 0]);
  });

  it('of a grpc-js stub tells the same', async () => {
    const { mesh, revision } = await failing('told-stub');
    const channel = mesh.channel('told-stub', { contract: UserServiceDefinition as never });
    const error = await stubCall(channel, GET_USER).catch((e: unknown) => e);
    expect(callReport(error)).toEqual(expected('told-stub', revision));
    expect(error).toMatchObject({ details: 'told to fail' });
  });

  it('of a call by name tells the same', async () => {
    const { mesh, revision, started } = await failing('told-dynamic');
    for (const { behaviour } of started) behaviour.failWith = undefined;
    await mesh.call('told-dynamic', 'GetUser', { id: 'x' });
    for (const { behaviour } of started) behaviour.failWith = Status.UNAVAILABLE;
    const error = await mesh.call('told-dynamic', 'GetUser', { id: 'x' }).catch((e: unknown) => e);
    expect(callReport(error)).toEqual(expected('told-dynamic', revision));
  });

  it('of the service itself has nothing added, and no report', async () => {
    const { users, started, mesh } = await failing('own-errors');
    for (const { behaviour } of started) behaviour.failWith = Status.NOT_FOUND;
    const error = await users.getUser({ id: 'x' }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: Status.NOT_FOUND });
    expect((error as Error).message).not.toMatch(/candidates/);
    expect(callReport(error)).toBeUndefined();
    expect(
      callReport(await stubCall(mesh.channel('own-errors'), GET_USER).catch((e) => e)),
    ).toBeUndefined();
    expect(callReport(undefined)).toBeUndefined();
    expect(callReport(new Error('other'))).toBeUndefined();
  });

  it('names every breaker when all are open, and says that no attempt was made', async () => {
    const { users, mesh, started } = await failing('shut');
    for (const breaker of mesh.breakers()) breaker.open();
    for (const each of started) each.calls = 0;
    const error = await users.getUser({ id: 'x' }).catch((e: unknown) => e);
    expect(callReport(error)).toMatchObject({
      openBreakers: expect.arrayContaining(['a', 'b', 'c']),
      attempts: [],
    });
    expect((error as Error).message).toMatch(
      /breaker of . is open; breaker of . is open; breaker of . is open/,
    );
    for (const breaker of mesh.breakers()) breaker.close();
    for (const { behaviour } of started) behaviour.failWith = undefined;
    await users.getUser({ id: 'x' });
  });

  it('after a deadline tells who did not answer', async () => {
    const { users, started } = await failing('mute');
    for (const { behaviour } of started)
      Object.assign(behaviour, { failWith: undefined, delayMs: 2000 });
    const error = await users.getUser({ id: 'x' }, { timeoutMs: 100 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(callReport(error)).toMatchObject({
      status: 'DEADLINE_EXCEEDED',
      attempts: [{ instance: expect.stringMatching(/[bc]/) }],
    });
  });
});

describe('a report', () => {
  it('is to be had of any call: one that succeeded, was retried or cancelled', async () => {
    const started = await stage.serve('reported', ['a', 'b']);
    const [a] = started as [EchoInstance];
    const users = stage.users('reported');
    await warmUp(users, started);
    const reports: CallReport[] = [];
    const onReport = (report: CallReport) => reports.push(report);
    await users.getUser({ id: 'x' }, { onReport });
    expect(reports[0]).toMatchObject({
      status: 'OK',
      candidates: 2,
      openBreakers: [],
      attempts: [{ status: 'OK' }],
    });
    a.behaviour.failWith = Status.UNAVAILABLE;
    await users.getUser({ id: 'x' }, { onReport });
    await users.getUser({ id: 'x' }, { onReport });
    expect(reports.find(({ attempts }) => attempts.length === 2)).toMatchObject({
      status: 'OK',
      attempts: [
        { instance: 'a', status: 'UNAVAILABLE' },
        { instance: 'b', status: 'OK' },
      ],
    });
    const caller = new AbortController();
    a.behaviour.failWith = undefined;
    for (const { behaviour } of started) behaviour.delayMs = 1000;
    const cancelled = users.getUser({ id: 'x' }, { onReport, signal: caller.signal });
    setTimeout(() => caller.abort(), 50);
    await expect(cancelled).rejects.toThrow(/abort/i);
    await eventually(() => expect(reports.at(-1)).toMatchObject({ status: 'CANCELLED' }));
  });
});
