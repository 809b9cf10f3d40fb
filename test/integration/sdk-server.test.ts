import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type ServeOptions, Status } from '@weft/client-sdk';
import {
  IDENTITY_KEY,
  IDENTITY_VERSION,
  PUSHBACK_TRAILER,
  pause,
  ServingStatus,
  weftVersion,
} from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { PeerServiceDefinition } from '@weft/proto/peer';
import { ServerReflectionDefinition } from '@weft/proto/reflection';
import { UserServiceDefinition } from '@weft/proto/user';
import {
  type Channel,
  type ClientError,
  createChannel,
  createClientFactory,
  type Metadata,
} from 'nice-grpc';
import { errorDetailsClientMiddleware, RichClientError } from 'nice-grpc-error-details';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { collected, StreamServiceDefinition, saying } from '../support/stream-service.ts';
import { TestMesh } from '../support/test-mesh.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
});

afterEach(() => stage.clear());
afterAll(() => stage.close());

const clients = createClientFactory().use(errorDetailsClientMiddleware);

async function serve(options: Partial<ServeOptions>): Promise<[EchoInstance, Channel]> {
  const echo = await serveEcho(stage.host, 'a', { settleMs: 0, ...options });
  stage.defer(() => echo.host.close());
  const channel = createChannel(echo.host.address);
  stage.defer(() => channel.close());
  return [echo, channel];
}

describe('who an instance is', () => {
  it('F5: it answers its service, id, incarnation and version of Weft, and is listed as one that does', async () => {
    const [{ host }, channel] = await serve({ name: 'known', metadata: { team: 'x' } });
    const { incarnation, metadata } = await host.registered();
    expect([...metadata]).toEqual([
      ['team', 'x'],
      [IDENTITY_KEY, IDENTITY_VERSION],
    ]);
    const peer = clients.create(PeerServiceDefinition, channel);
    expect(await peer.identify({})).toEqual({
      service: 'known',
      instanceId: 'a',
      incarnation,
      weftVersion: weftVersion(),
    });
    expect(PeerServiceDefinition.methods.identify.options.idempotencyLevel).toBe('NO_SIDE_EFFECTS');
  });
});

/** Blocks the event loop for most of the time until told to stop. */
function hog(blockMs: number): () => void {
  let isOver = false;
  const block = () => {
    const end = performance.now() + blockMs;
    while (performance.now() < end);
    if (!isOver) setImmediate(block);
  };
  setImmediate(block);
  return () => {
    isOver = true;
  };
}

describe('load shedding', () => {
  it('F33: a blocked service refuses new calls with pushback, and recovers', async () => {
    const shedding = { maxLagMs: 40, pushbackMs: 400 };
    const [echo, channel] = await serve({ name: 'busy', shedding });
    const users = clients.create(UserServiceDefinition, channel);
    await users.getUser({ id: 'warm' });

    const relax = hog(150);
    stage.defer(relax);
    let trailer: Metadata | undefined;
    const onTrailer = (metadata: Metadata) => {
      trailer = metadata;
    };
    const error = await eventually(async () => {
      const { calls } = echo;
      const failure = await users
        .getUser({ id: 'x' }, { onTrailer })
        .then(() => undefined)
        .catch((thrown: ClientError) => thrown);
      expect(failure?.code).toBe(Status.RESOURCE_EXHAUSTED);
      expect(echo.calls).toBe(calls);
      return failure as RichClientError;
    });
    expect(error).toBeInstanceOf(RichClientError);
    const pushbackMs = Number(trailer?.get(PUSHBACK_TRAILER));
    expect(pushbackMs).toBeGreaterThanOrEqual(300);
    expect(pushbackMs).toBeLessThanOrEqual(500);
    expect(error.extra).toMatchObject([
      { $type: 'google.rpc.ErrorInfo', reason: 'OVERLOADED' },
      { retryDelay: { seconds: 0, nanos: pushbackMs * 1_000_000 } },
    ]);

    // What others judge it by is answered all the same.
    const health = await clients.create(HealthDefinition, channel).check({ service: '' });
    expect(health.status).toBe(ServingStatus.SERVING);
    const { instanceId } = await clients.create(PeerServiceDefinition, channel).identify({});
    expect(instanceId).toBe('a');
    async function* question() {
      yield { listServices: '' };
    }
    const reflection = clients.create(ServerReflectionDefinition, channel);
    expect(await collected(reflection.serverReflectionInfo(question()))).toHaveLength(1);

    relax();
    await eventually(() => users.getUser({ id: 'x' }), { withinMs: 1000 });
  });

  it('lets a stall pass, however long', async () => {
    const [, channel] = await serve({ name: 'stalled', shedding: { maxLagMs: 50 } });
    const users = clients.create(UserServiceDefinition, channel);
    await users.getUser({ id: 'warm' });
    const waiting = Array.from({ length: 20 }, () => users.getUser({ id: 'x' }));
    const end = performance.now() + 400;
    while (performance.now() < end);
    await Promise.all(waiting);
  });

  it('is off when told so', async () => {
    // Longer than the lag above which a service sheds by default.
    const relax = hog(600);
    stage.defer(relax);
    const answer = async (name: string, options: Partial<ServeOptions>) => {
      const [, channel] = await serve({ name, ...options });
      const users = clients.create(UserServiceDefinition, channel);
      await pause(1300, new AbortController().signal);
      return users.getUser({ id: 'x' });
    };
    const [patient, usual] = await Promise.allSettled([
      answer('patient', { shedding: false }),
      answer('usual', {}),
    ]);
    expect(patient).toMatchObject({ status: 'fulfilled' });
    expect(usual).toMatchObject({ reason: { code: Status.RESOURCE_EXHAUSTED } });
  });
});

describe('maxConcurrentStreams', () => {
  it('holds back what is over it, and fails none of it', async () => {
    const [echo, channel] = await serve({ name: 'narrow', maxConcurrentStreams: 3 });
    const users = clients.create(UserServiceDefinition, channel);
    await users.getUser({ id: 'connected' });
    echo.behaviour.delayMs = 20;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, echo.host.inFlight);
    }, 2);
    stage.defer(() => clearInterval(watch));
    await Promise.all(Array.from({ length: 12 }, () => users.getUser({ id: 'x' })));
    expect(most).toBe(3);
    expect(echo.calls).toBe(13);
  });
});

describe('cancelled calls', () => {
  it('S: thousands of them cost the others on the connection nothing', async () => {
    const [echo, channel] = await serve({ name: 'spared', shedding: false });
    const users = clients.create(UserServiceDefinition, channel);
    await users.getUser({ id: 'connected' });
    echo.behaviour.delayMs = 1000;
    const bystander = users.createUser({ name: 'x' });
    const cancelSome = async () => {
      for (let i = 0; i < 40; i += 1) {
        const caller = new AbortController();
        const call = users.getUser({ id: 'x' }, { signal: caller.signal });
        setImmediate(() => caller.abort());
        await expect(call).rejects.toThrow('aborted');
      }
    };
    await Promise.all(Array.from({ length: 40 }, cancelSome));
    expect((await bystander).user?.name).toBe('a');
  });
});

describe('a service that lacks handlers', () => {
  it('serves the others, and returns UNIMPLEMENTED for the methods without one', async () => {
    class Handlers {
      readonly #name = 'of a class';
      async unary() {
        return saying(this.#name);
      }
    }
    const host = await stage.host.serve({
      name: 'partial',
      handleSignals: false,
      routes: [{ definition: StreamServiceDefinition, implementation: new Handlers() }],
    });
    stage.defer(() => host.close());
    await host.registered();
    const client = stage.join().client(StreamServiceDefinition, { service: 'partial' });
    async function* requests() {
      yield { id: 'x' };
    }
    expect((await client.unary({})).user?.name).toBe('of a class');
    const unimplemented = { code: Status.UNIMPLEMENTED };
    await expect(client.clientStream(requests())).rejects.toMatchObject(unimplemented);
    await expect(collected(client.serverStream({}))).rejects.toMatchObject(unimplemented);
    await expect(collected(client.bidi(requests()))).rejects.toMatchObject(unimplemented);
    expect((await client.unary({})).user?.name).toBe('of a class');
  });
});
