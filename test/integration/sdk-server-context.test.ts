import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CallContext,
  createMesh,
  currentCall,
  type Mesh,
  type ServiceHost,
  withoutCall,
} from '@weft/client-sdk';
import { route } from '@weft/proto';
import type { Registry } from '@weft/registry';
import { type Channel, createChannel, createClient } from 'nice-grpc';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import { collected, StreamServiceDefinition, saying } from '../support/stream-service.ts';

let registry: Registry;
let mesh: Mesh;
let host: ServiceHost;
let plain: Channel;

/** What the handlers saw: once at their start, then after each of their awaits. */
let seen: (CallContext | undefined)[] = [];
/** Resolves what a handler waits for. */
let go = Promise.withResolvers<void>();
let isHeld = false;
let afterAnswer: Promise<CallContext | undefined> | undefined;

async function look(): Promise<void> {
  seen.push(currentCall());
  await new Promise(setImmediate);
  if (isHeld) await go.promise;
  seen.push(currentCall());
}

beforeAll(async () => {
  registry = await createTestRegistry();
  mesh = createMesh({ registry: registry.address });
  host = await mesh.serve({
    name: 'streams',
    handleSignals: false,
    settleMs: 0,
    defaultDeadlineMs: 150,
    routes: [
      route(StreamServiceDefinition, {
        async unary() {
          await look();
          const later = Promise.withResolvers<CallContext | undefined>();
          setTimeout(() => later.resolve(currentCall()), 30);
          afterAnswer = later.promise;
          return saying('unary');
        },
        async *serverStream() {
          await look();
          yield saying('one');
          await look();
          yield saying('two');
        },
        async clientStream(requests) {
          await look();
          for await (const _ of requests) await look();
          return saying('client stream');
        },
        async *bidi(requests) {
          await look();
          for await (const { id } of requests) {
            await look();
            yield saying(id);
          }
        },
      }),
    ],
  });
  await host.registered();
  plain = createChannel(host.address);
});

afterAll(async () => {
  plain.close();
  await host.close();
  mesh.close();
  await registry.close();
});

beforeEach(() => {
  seen = [];
  isHeld = false;
  go = Promise.withResolvers<void>();
});

const calls = () => mesh.client(StreamServiceDefinition, { service: 'streams' });

async function* requests() {
  yield { id: 'a' };
  yield { id: 'b' };
}

type Clients = ReturnType<typeof calls>;

const kinds: [kind: string, looks: number, call: (clients: Clients) => Promise<unknown>][] = [
  ['unary', 1, (clients) => clients.unary({}, { timeoutMs: 5000 })],
  ['server stream', 2, (c) => collected(c.serverStream({}, { timeoutMs: 5000 }))],
  ['client stream', 3, (clients) => clients.clientStream(requests(), { timeoutMs: 5000 })],
  ['bidi', 3, (clients) => collected(clients.bidi(requests(), { timeoutMs: 5000 }))],
];

describe('currentCall', () => {
  it('is none outside of handlers', () => {
    expect(currentCall()).toBeUndefined();
  });

  it.each(kinds)(
    'F31: tells a %s handler its deadline, after each await',
    async (_, looks, call) => {
      const before = Date.now();
      await call(calls());
      expect(seen).toHaveLength(2 * looks);
      const [first] = seen;
      expect(seen.every((each) => each === first)).toBe(true);
      expect(first?.deadline).toBeGreaterThan(before + 4000);
      expect(first?.deadline).toBeLessThanOrEqual(Date.now() + 5000);
      expect(first?.signal.aborted).toBe(false);
    },
  );

  it('tells calls that run at once apart', async () => {
    await Promise.all([1000, 2000, 3000].map((timeoutMs) => calls().unary({}, { timeoutMs })));
    expect(new Set(seen).size).toBe(3);
    expect(new Set(seen.map((call) => Math.round((call?.deadline ?? 0) / 1000))).size).toBe(3);
  });

  it.each<[string, (clients: Clients, signal: AbortSignal) => Promise<unknown>]>([
    ['unary', (clients, signal) => clients.unary({}, { signal })],
    ['bidi', (clients, signal) => collected(clients.bidi(requests(), { signal }))],
  ])('F32: aborts when the caller of a %s cancels', async (_kind, call) => {
    isHeld = true;
    const caller = new AbortController();
    const outcome = call(calls(), caller.signal).catch((error: Error) => error.name);
    await eventually(() => expect(seen).toHaveLength(1));
    const signal = seen[0]?.signal;
    expect(signal?.aborted).toBe(false);
    caller.abort();
    expect(await outcome).toBe('AbortError');
    await eventually(() => expect(signal?.aborted).toBe(true));
    go.resolve();
    // What the handler does after that still runs on behalf of the cancelled call.
    await eventually(() => expect(seen.length).toBeGreaterThan(1));
    expect(seen[1]?.signal.aborted).toBe(true);
  });

  it('F31: aborts when the deadline passes', async () => {
    isHeld = true;
    await expect(calls().unary({}, { timeoutMs: 100 })).rejects.toThrow(/DEADLINE_EXCEEDED/);
    await eventually(() => expect(seen[0]?.signal.aborted).toBe(true));
    go.resolve();
  });

  it('is none in what runs on after the answer, whose signal never aborts', async () => {
    await calls().unary({});
    expect(await afterAnswer).toBeUndefined();
    expect(seen[0]?.signal.aborted).toBe(false);
  });

  it('is none within withoutCall', async () => {
    const server = await mesh.serve({
      name: 'detached',
      handleSignals: false,
      settleMs: 0,
      routes: [
        route(StreamServiceDefinition, {
          unary: async () => {
            await withoutCall(look);
            return saying('');
          },
          async *serverStream() {},
          clientStream: async () => saying(''),
          async *bidi() {},
        }),
      ],
    });
    const channel = createChannel(server.address);
    try {
      await createClient(StreamServiceDefinition, channel).unary({});
      expect(seen).toEqual([undefined, undefined]);
    } finally {
      channel.close();
      await server.close();
    }
  });

  it('fails a promise that callers share with the first deadline, but not within withoutCall', async () => {
    const shared = new Map<string, Promise<unknown>>();
    const server = await mesh.serve({
      name: 'sharing',
      handleSignals: false,
      settleMs: 0,
      routes: [
        route(StreamServiceDefinition, {
          unary: async ({ id }) => {
            const fetch = () => calls().unary({}, { timeoutMs: 5000 });
            if (!shared.has(id)) shared.set(id, id === 'own' ? withoutCall(fetch) : fetch());
            await shared.get(id);
            return saying(id);
          },
          async *serverStream() {},
          clientStream: async () => saying(''),
          async *bidi() {},
        }),
      ],
    });
    const callers = mesh.client(StreamServiceDefinition, { service: 'sharing' });
    const ends = async (id: string) => {
      isHeld = true;
      go = Promise.withResolvers<void>();
      const first = callers
        .unary({ id }, { timeoutMs: 150 })
        .catch((error: Error) => error.message);
      await eventually(() => expect(shared.has(id)).toBe(true));
      const second = callers
        .unary({ id }, { timeoutMs: 5000 })
        .catch((error: Error) => error.message);
      const firstEnd = await first;
      go.resolve();
      return [firstEnd, await second];
    };
    try {
      expect(await ends('inherited')).toEqual([
        expect.stringMatching(/DEADLINE_EXCEEDED/),
        // The deadline and the cancellation of the first caller come at the same time: either may be first.
        expect.stringMatching(/Unary (INTERNAL|CANCELLED)/),
      ]);
      expect(await ends('own')).toEqual([
        expect.stringMatching(/DEADLINE_EXCEEDED/),
        saying('own'),
      ]);
    } finally {
      await server.close();
    }
  });

  it('B29: a unary call without a deadline gets that of the server, a stream none', async () => {
    const client = createClient(StreamServiceDefinition, plain);
    await collected(client.serverStream({}));
    expect(seen.map((call) => call?.deadline)).toEqual(Array(4).fill(undefined));
    seen = [];
    isHeld = true;
    const started = Date.now();
    await expect(client.unary({})).rejects.toThrow(/DEADLINE_EXCEEDED/);
    expect(Date.now() - started).toBeGreaterThanOrEqual(140);
    expect((seen[0]?.deadline ?? 0) - started).toBeLessThan(1000);
    expect(seen[0]?.signal.aborted).toBe(true);
    go.resolve();
  });
});
