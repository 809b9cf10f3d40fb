import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { ChannelCredentials, Client } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Contract, createMesh, type Mesh, Status } from '@weft/client-sdk';
import { silentLog } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { serveEcho } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../../support/registry.ts';
import { createSilentServer, type SilentServer } from '../../support/silent-server.ts';
import { collected, StreamServiceDefinition } from '../../support/stream-service.ts';
import { instance } from './fixtures.ts';
import { createSlowLink } from './slow-link.ts';

let silent: SilentServer;
let registry: Registry;

beforeAll(async () => {
  silent = await createSilentServer();
  registry = await createTestRegistry();
});

afterAll(async () => {
  await registry.close();
  await silent.close();
});

async function within<T>(options: Parameters<typeof createMesh>[0], use: (mesh: Mesh) => T) {
  const mesh = createMesh({ registry: registry.address, ...options });
  try {
    return await use(mesh);
  } finally {
    mesh.close();
  }
}

function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a registry that says nothing', () => {
  it('does not keep a call from ending at its deadline', async () => {
    const mute = createServer();
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    for (const address of [silent.address, `127.0.0.1:${port}`]) {
      await within({ registry: address }, async (mesh) => {
        const started = performance.now();
        const users = mesh.client(UserServiceDefinition);
        const error = await failureOf(users.getUser({ id: 'x' }, { timeoutMs: 300 }));
        expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
        expect(performance.now() - started).toBeLessThan(2000);
      });
    }
    await new Promise((resolve) => mute.close(resolve));
  });
});

describe('an instance that accepts connections and says nothing', () => {
  const list = (service: string) => {
    const { client, close } = createRegistryClient(registry.address);
    const address = { host: '127.0.0.1', port: silent.port };
    const listed = { ...instance('frozen', { address, service }), leaseId: 0n };
    return client.register({ instance: listed, ttlSeconds: 60 }).finally(close);
  };

  it('is waited for a second, and not by the calls after', async () => {
    await list('frozen');
    await within({}, async (mesh) => {
      const users = mesh.client(UserServiceDefinition, { service: 'frozen' });
      const unavailable = {
        code: Status.UNAVAILABLE,
        message: expect.stringContaining('timed out after 1000ms'),
      };
      const options = { timeoutMs: 10_000 };
      expect(await failureOf(users.createUser({ name: 'x' }, options))).toMatchObject(unavailable);
      const started = performance.now();
      expect(await failureOf(users.createUser({ name: 'x' }, options))).toMatchObject(unavailable);
      expect(performance.now() - started).toBeLessThan(500);
    });
  });

  it('takes no calls from its siblings', async () => {
    await list('half-frozen');
    await within({}, async (mesh) => {
      const live = await serveEcho(mesh, 'live', { name: 'half-frozen' });
      try {
        await live.host.registered();
        const users = mesh.client(UserServiceDefinition, { service: 'half-frozen' });
        await eventually(() => users.createUser({ name: 'x' }));
        for (let i = 0; i < 30; i += 1) {
          expect((await users.createUser({ name: 'x' })).user?.name).toBe('live');
        }
      } finally {
        await live.host.close();
      }
    });
  });
});

describe('an instance that answers 300 ms late', () => {
  it('is connected to, and called', async () => {
    await within({}, async (mesh) => {
      const { host } = await serveEcho(mesh, 'far', { name: 'far-behind' });
      const link = await createSlowLink(host.instance.address?.port ?? 0, 300);
      const { client, close } = createRegistryClient(registry.address);
      try {
        const address = { host: '127.0.0.1', port: link.port };
        const listed = { ...instance('far', { address, service: 'far' }), leaseId: 0n };
        await client.register({ instance: listed, ttlSeconds: 60 });
        const users = mesh.client(UserServiceDefinition, { service: 'far' });
        const { user } = await users.createUser({ name: 'x' }, { timeoutMs: 5000 });
        expect(user?.name).toBe('far');
      } finally {
        close();
        await host.close();
        await link.close();
      }
    });
  });
});

describe('bad input', () => {
  it('names a service that cannot be, wherever it is given', async () => {
    await within({}, async (mesh) => {
      const wrong = { code: 'INVALID_CONFIG', setting: 'service' };
      const thrown = expect.objectContaining(wrong);
      expect(() => mesh.channel('User/Service')).toThrow(thrown as never);
      expect(() => mesh.client(UserServiceDefinition, { service: '' })).toThrow(thrown as never);
      expect(await failureOf(mesh.discover('user_service'))).toMatchObject(wrong);
      expect(await failureOf(mesh.call('a'.repeat(64), 'Get'))).toMatchObject(wrong);
    });
  });

  it('refuses a policy of a channel that its contract does not allow', async () => {
    await within({}, async (mesh) => {
      const retry = { maxAttempts: 2 };
      const contract = UserServiceDefinition;
      mesh.channel('typed', { contract, policy: { methods: { GetUser: { retry } } } });
      mesh.channel('typed', { policy: { methods: { Whatever: { retry } } } });
      expect(() =>
        // @ts-expect-error CreateUser is not marked idempotent
        mesh.channel('typed', { contract, policy: { methods: { CreateUser: { retry } } } }),
      ).toThrow('policy.methods.CreateUser.retry must be left out');
      expect(() =>
        // @ts-expect-error the contract has no such method
        mesh.channel('typed', { contract, policy: { methods: { GetUsr: { retry } } } }),
      ).toThrow('policy.methods.GetUsr is no method of the contract; did you mean GetUser?');
      const untyped: Contract = contract;
      expect(() =>
        mesh.channel('typed', { contract: untyped, policy: { methods: { GetUsr: { retry } } } }),
      ).toThrow('policy.methods.GetUsr is no method of the contract');
    });
  });

  it('refuses a timeout that is no number, and takes a past or endless one at its word', async () => {
    await within({}, async (mesh) => {
      const { host } = await serveEcho(mesh, 'a', { name: 'timed' });
      try {
        await host.registered();
        const users = mesh.client(UserServiceDefinition, { service: 'timed' });
        const call = (timeoutMs: number) => failureOf(users.getUser({ id: 'x' }, { timeoutMs }));
        expect(await call(Number.NaN)).toMatchObject({ setting: 'timeoutMs' });
        // As `deadline - Date.now()` may be.
        expect(await call(-5)).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
        expect(await call(0)).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
        expect(await call(Infinity)).toBeUndefined();
        expect(await call(Number.MAX_SAFE_INTEGER)).toBeUndefined();
      } finally {
        await host.close();
      }
    });
  });

  it('names what a client cannot be made of or with', async () => {
    await within({}, async (mesh) => {
      const users = UserServiceDefinition;
      const make = (...given: unknown[]) => mesh.client(...(given as [typeof users]));
      const channel = (...given: unknown[]) => mesh.channel(...(given as [string]));
      const refused: [() => unknown, RegExp][] = [
        [() => make(), /^contract must be a generated contract, .* not undefined$/],
        [() => make({}), /^contract must be /],
        [() => make(users, null), /^options must be an object, not null$/],
        [() => make(users, { polcy: {} }), /^polcy is no known field; did you mean policy\?$/],
        [() => make(users, { service: 5 }), /^service must be a DNS label/],
        [() => make(users, { policy: null }), /^policy must be an object/],
        [() => channel('echo', { contract: {} }), /^contract must be /],
        [() => channel('echo', null), /^options must be /],
        [() => channel(), /^service must be /],
        [() => mesh.configure(undefined as never, {}), /^service must be /],
        [() => createMesh(null as never), /^options must be an object, not null$/],
      ];
      for (const [misuse, message] of refused) {
        const expected = expect.objectContaining({
          code: 'INVALID_CONFIG',
          message: expect.stringMatching(message),
        });
        expect(misuse).toThrow(expected as never);
      }
    });
  });

  it('warns of a method that no contract in use has, once there is one', async () => {
    const warn = jest.fn();
    await within({ log: { ...silentLog, warn } }, async (mesh) => {
      const policy = { methods: { getUsr: { defaultDeadlineMs: 100 } } };
      mesh.configure('user-service', {});
      mesh.configure('unused', policy);
      mesh.client(UserServiceDefinition);
      expect(warn).not.toHaveBeenCalled();
      mesh.configure('user-service', policy);
      const warning =
        'services.user-service.methods.getUsr is no method of the contract; did you mean GetUser?';
      expect(warn.mock.calls).toEqual([[{ service: 'user-service' }, warning]]);
    });
  });

  it('checks the options of streams too', async () => {
    await within({}, async (mesh) => {
      const streams = mesh.client(StreamServiceDefinition);
      for (const options of [null, { timeoutMs: '5' }, { signal: {} }]) {
        const expected = expect.objectContaining({ code: 'INVALID_CONFIG' });
        expect(() => streams.serverStream({}, options as never)).toThrow(expected as never);
      }
    });
  });

  it('does not hold it against the instance when a message is too large to send', async () => {
    await within({}, async (mesh) => {
      const { host } = await serveEcho(mesh, 'a', { name: 'spared' });
      try {
        await host.registered();
        const users = mesh.client(UserServiceDefinition, { service: 'spared' });
        const name = 'x'.repeat(5 * 1024 * 1024);
        for (let i = 0; i < 8; i += 1) {
          const error = await failureOf(users.createUser({ name }));
          expect(error).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
        }
        expect(await failureOf(users.createUser({ name: 'x' }))).toBeUndefined();
      } finally {
        await host.close();
      }
    });
  });
});

describe('a service that cannot listen', () => {
  it.each([
    ['no.such.host.invalid', /choose a host that is an address of this machine$/],
    ['taken', /free the port or choose another$/],
  ])('is told what to change: %s', async (host, message) => {
    await within({}, async (mesh) => {
      const where = host === 'taken' ? { port: silent.port } : { host };
      const failure = await failureOf(serveEcho(mesh, 'a', where));
      expect(failure).toMatchObject({
        code: 'LISTEN_FAILED',
        message: expect.stringMatching(message),
      });
    });
  });
});

describe('a closed mesh', () => {
  it('refuses everything, and closing it again does nothing', async () => {
    const mesh = createMesh({ registry: registry.address });
    const users = mesh.client(UserServiceDefinition);
    const stub = new Client('', ChannelCredentials.createInsecure(), {
      channelOverride: mesh.channel('echo'),
    });
    const streams = mesh.client(StreamServiceDefinition);
    mesh.close();
    mesh.close();
    const closed = { code: 'MESH_CLOSED' };
    expect(() => mesh.channel('echo')).toThrow(/closed/);
    expect(await failureOf(mesh.discover('echo'))).toMatchObject(closed);
    expect(await failureOf(mesh.call('echo', 'Get'))).toMatchObject(closed);
    expect(await failureOf(mesh.serve({ name: 'echo', routes: [] }))).toMatchObject(closed);
    expect(() => mesh.configure('echo', {})).toThrow(/closed/);
    expect(await failureOf(users.getUser({ id: 'x' }))).toMatchObject(closed);
    expect(() => stub.makeUnaryRequest('/a.B/C', Buffer.from, String, '', () => {})).toThrow(
      expect.objectContaining(closed) as never,
    );
    expect(await failureOf(collected(streams.serverStream({ id: 'x' })))).toMatchObject(closed);
  });

  it('leaves no connection behind when a service is closed after its mesh', async () => {
    const mesh = createMesh({ registry: registry.address });
    const { host } = await serveEcho(mesh, 'late', { name: 'late' });
    await host.registered();
    mesh.close();
    await host.close();
    expect(host.status).toBe('STOPPED');
  });
});
