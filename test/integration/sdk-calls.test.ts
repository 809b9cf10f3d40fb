import { join } from 'node:path';
import { Client, makeClientConstructor, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createMesh, loadContracts, type Mesh, RichClientError, Status } from '@weft/client-sdk';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';

const userProto = join(import.meta.dirname, '../../proto/user/v1/user.proto');

let registry: Registry;
let mesh: Mesh;
let instances: EchoInstance[];

beforeAll(async () => {
  registry = await createTestRegistry();
  mesh = createMesh({ registry: registry.address });
  instances = await Promise.all(['a', 'b', 'c'].map((id) => serveEcho(mesh, id)));
  await Promise.all(instances.map(({ host }) => host.registered()));
});

afterAll(async () => {
  await Promise.all(instances.map(({ host }) => host.close()));
  mesh.close();
  await registry.close();
});

beforeEach(() => {
  for (const instance of instances) {
    instance.calls = 0;
    instance.cancelled = 0;
    instance.behaviour.failWith = undefined;
    instance.behaviour.delayMs = 0;
  }
});

function totalCalls(): number {
  return instances.reduce((sum, { calls }) => sum + calls, 0);
}

describe('mesh.client', () => {
  const users = () => mesh.client(UserServiceDefinition, { service: 'echo' });

  it('calls an instance of the service', async () => {
    const { user } = await users().getUser({ id: 'x' });
    expect(user).toMatchObject({ id: 'x', name: expect.stringMatching(/^[abc]$/) });
  });

  it('throws the status with its details, once, and does not retry what the service refused', async () => {
    for (const { behaviour } of instances) behaviour.failWith = Status.NOT_FOUND;
    const error = await users()
      .getUser({ id: 'x' })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RichClientError);
    expect(error).toMatchObject({ code: Status.NOT_FOUND });
    expect((error as RichClientError).extra).toContainEqual(
      expect.objectContaining({ reason: 'USER_NOT_FOUND', domain: 'weft' }),
    );
    expect(totalCalls()).toBe(1);
  });

  it('retries an idempotent method on another instance each time', async () => {
    const [a, b, c] = instances as [EchoInstance, EchoInstance, EchoInstance];
    a.behaviour.failWith = Status.UNAVAILABLE;
    b.behaviour.failWith = Status.UNAVAILABLE;
    for (let i = 0; i < 6; i += 1) {
      expect((await users().getUser({ id: 'x' })).user?.name).toBe('c');
    }
    expect(c.calls).toBe(6);
    // Two in three calls start at a failing instance, and none meets the same one twice.
    expect(a.calls).toBeLessThanOrEqual(6);
    expect(b.calls).toBeLessThanOrEqual(6);
  });

  it('passes on what the last instance said, details and all, when none is left to ask', async () => {
    // A caller of its own, whose breakers no other test has opened.
    const caller = createMesh({ registry: registry.address });
    try {
      const client = caller.client(UserServiceDefinition, { service: 'echo' });
      await eventually(async () => {
        await client.getUser({ id: 'warm' });
        for (const { calls } of instances) expect(calls).toBeGreaterThan(0);
      });
      for (const instance of instances) {
        instance.calls = 0;
        instance.behaviour.failWith = Status.UNAVAILABLE;
      }
      const error = await client.getUser({ id: 'x' }).catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: Status.UNAVAILABLE,
        details: 'told to fail',
      });
      expect((error as RichClientError).extra).toContainEqual(
        expect.objectContaining({ reason: 'TOLD_TO_FAIL' }),
      );
      expect(instances.map(({ calls }) => calls)).toEqual([1, 1, 1]);
    } finally {
      caller.close();
    }
  });

  it('does not send a method again that the contract does not mark idempotent', async () => {
    for (const { behaviour } of instances) behaviour.failWith = Status.UNAVAILABLE;
    const error = await users()
      .createUser({ name: 'x' })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: Status.UNAVAILABLE });
    expect(totalCalls()).toBe(1);
  });

  it('ends a call at its timeout and cancels it at the server', async () => {
    for (const { behaviour } of instances) behaviour.delayMs = 5000;
    const started = performance.now();
    const error = await users()
      .getUser({ id: 'x' }, { timeoutMs: 200 })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    expect(performance.now() - started).toBeLessThan(1500);
    await eventually(() => expect(instances.map(({ cancelled }) => cancelled)).toContain(1));
  });

  it('gives unary calls a default deadline and keeps its own metadata to itself', async () => {
    const hasty = createMesh({ registry: registry.address, defaultDeadlineMs: 150 });
    try {
      const client = hasty.client(UserServiceDefinition, { service: 'echo' });
      await client.getUser({ id: 'warm' }, { timeoutMs: 5000 });
      for (const { lastMetadata } of instances) {
        expect([...lastMetadata.keys()].filter((key) => key.startsWith('weft'))).toEqual([]);
      }
      for (const { behaviour } of instances) behaviour.delayMs = 2000;
      const error = await client.getUser({ id: 'x' }).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    } finally {
      hasty.close();
    }
  });

  it('cancels at the server when the caller gives up', async () => {
    for (const { behaviour } of instances) behaviour.delayMs = 5000;
    const caller = new AbortController();
    const call = users().getUser({ id: 'x' }, { signal: caller.signal });
    await eventually(() => expect(totalCalls()).toBe(1));
    caller.abort();
    await expect(call).rejects.toThrow(/abort/i);
    await eventually(() => expect(instances.map(({ cancelled }) => cancelled)).toContain(1));
  });

  it('fails at once, saying why, when the service has no instance', async () => {
    const nobody = mesh.client(UserServiceDefinition, { service: 'nobody' });
    const error = await nobody.getUser({ id: 'x' }).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: Status.UNAVAILABLE,
      message: expect.stringContaining('nobody has no instances in the registry'),
    });
  });

  it('names the registry when it cannot be reached', async () => {
    const lost = createMesh({ registry: '127.0.0.1:1' });
    try {
      const client = lost.client(UserServiceDefinition);
      const error = await client.getUser({ id: 'x' }).catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: Status.UNAVAILABLE,
        message: expect.stringContaining('registry at 127.0.0.1:1 does not answer'),
      });
      await expect(lost.discover('user-service')).rejects.toMatchObject({
        code: 'REGISTRY_UNAVAILABLE',
      });
    } finally {
      lost.close();
    }
  });
});

describe('mesh.channel', () => {
  it('carries any grpc-js stub, here of a contract loaded at run time', async () => {
    const contracts = await loadContracts([userProto], {
      includeDirs: [join(import.meta.dirname, '../../proto')],
    });
    const contract = contracts['user.v1.UserService'];
    if (contract === undefined) throw new Error('not loaded');
    const Stub = makeClientConstructor(contract, 'UserService');
    const channel = mesh.channel('echo', { contract });
    const stub = new Stub('', null as never, { channelOverride: channel });
    const failing = instances[0] as EchoInstance;
    failing.behaviour.failWith = Status.UNAVAILABLE;
    for (let i = 0; i < 6; i += 1) {
      const answer = await new Promise<{ user: { name: string } }>((resolve, reject) => {
        stub.getUser?.({ id: 'x' }, (error: ServiceError | null, value: never) =>
          error === null ? resolve(value) : reject(error),
        );
      });
      expect(['b', 'c']).toContain(answer.user.name);
    }
    expect(stub).toBeInstanceOf(Client);
  });

  it('names the files when a contract cannot be loaded', async () => {
    await expect(loadContracts(['/nowhere.proto'])).rejects.toMatchObject({
      code: 'CONTRACT_UNREADABLE',
      message: expect.stringContaining('/nowhere.proto'),
    });
  });
});

describe('mesh.call', () => {
  it('calls by name, contract learnt by reflection, JSON both ways', async () => {
    expect(await mesh.call('echo', 'GetUser', { id: 'x' })).toMatchObject({ user: { id: 'x' } });
    const byFullName = await mesh.call('echo', 'user.v1.UserService/ListUsers');
    expect(byFullName).toMatchObject({ nextPageToken: '', users: [{ id: '' }] });
  });

  it.each([
    ['an unknown method', 'Fly', {}, 'METHOD_NOT_FOUND', /it offers .*UserService\/GetUser/],
    ['an unknown field', 'GetUser', { nme: 'x' }, 'INVALID_REQUEST', /nme/],
    ['a wrong type', 'GetUser', { id: 7 }, 'INVALID_REQUEST', /id/],
    ['a stream', 'grpc.health.v1.Health/Watch', {}, 'NOT_UNARY', /Health\/Watch streams/],
  ])('refuses %s and says what is wrong', async (_what, method, request, code, message) => {
    const error = await mesh.call('echo', method, request).catch((e: unknown) => e);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('passes on what the service refused, with details', async () => {
    for (const { behaviour } of instances) behaviour.failWith = Status.NOT_FOUND;
    await expect(mesh.call('echo', 'GetUser', { id: 'x' })).rejects.toBeInstanceOf(RichClientError);
  });
});

describe('mesh.discover', () => {
  it('lists instances, from memory once asked', async () => {
    const snapshot = await mesh.discover('echo');
    expect(snapshot.instances.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c']);
    expect(snapshot.stale).toBe(false);
    expect(await mesh.discover('echo')).toBe(snapshot);
  });

  it('answers an empty list for a service without instances', async () => {
    expect((await mesh.discover('nobody-else')).instances).toEqual([]);
  });
});
