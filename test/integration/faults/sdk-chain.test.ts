import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type CallContext, currentCall, type Mesh, Status, withoutCall } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import type { EchoInstance } from '../../support/echo-service.ts';
import { eventually } from '../../support/eventually.ts';
import { StreamServiceDefinition, saying } from '../../support/stream-service.ts';
import { stubCall } from '../../support/stub-call.ts';
import { TestMesh, warmUp } from '../../support/test-mesh.ts';

/** user calls order, order calls payment. */
const HOPS = ['user', 'order', 'payment'] as const;
type Hop = (typeof HOPS)[number];

/** What one hop saw of a call. */
interface Seen {
  readonly hop: Hop;
  /** Time left of the deadline when it came in, in ms. */
  readonly leftMs: number;
  readonly signal: AbortSignal;
}

let stage: TestMesh;
let chain: ReturnType<typeof clientOf>;
const seen: Seen[] = [];
/** What each hop does; `next` calls the one behind it. */
let handle: (hop: Hop, next: () => Promise<unknown>, mesh: Mesh) => Promise<unknown>;
const passOn: typeof handle = (_hop, next) => next();

const clientOf = (mesh: Mesh, service: string) => mesh.client(StreamServiceDefinition, { service });
const hops = () => seen.map(({ hop }) => hop);

/** Each hop takes part by itself, as a process would. */
async function serveHop(hop: Hop): Promise<() => Promise<void>> {
  const mesh = stage.host;
  const downstream = HOPS[HOPS.indexOf(hop) + 1];
  const client = downstream && clientOf(mesh, downstream);
  const host = await mesh.serve({
    name: hop,
    settleMs: 0,
    handleSignals: false,
    routes: [
      route(StreamServiceDefinition, {
        async unary({ id }) {
          const { deadline = Infinity, signal } = currentCall() as CallContext;
          seen.push({ hop, leftMs: deadline - Date.now(), signal });
          await handle(hop, async () => client?.unary({ id }), mesh);
          return saying(hop);
        },
        async *serverStream() {},
        clientStream: async () => saying(''),
        async *bidi() {},
      }),
    ],
  });
  await host.registered();
  return () => host.close();
}

let closeHops: (() => Promise<void>)[];

beforeAll(async () => {
  stage = await TestMesh.start();
  closeHops = await Promise.all(HOPS.map(serveHop));
  chain = clientOf(stage.host, 'user');
  handle = passOn;
  await chain.unary({ id: 'warm' });
});

beforeEach(() => {
  seen.length = 0;
  handle = passOn;
});

afterEach(() => stage.clear());

afterAll(async () => {
  await Promise.all(closeHops.map((close) => close()));
  await stage.close();
});

describe('a deadline', () => {
  it('F31: is passed on from user to order to payment, less what was spent', async () => {
    handle = (_hop, next) => pause(100).then(next);
    await chain.unary({ id: 'x' }, { timeoutMs: 3000 });
    expect(hops()).toEqual(HOPS);
    const [user = 0, order = 0, payment = 0] = seen.map(({ leftMs }) => leftMs);
    expect(user).toBeLessThanOrEqual(3000);
    expect(user - order).toBeGreaterThanOrEqual(90);
    expect(order - payment).toBeGreaterThanOrEqual(90);
    expect(payment).toBeGreaterThan(1000);
  });

  it('F31: is the shorter of the one inherited and the own', async () => {
    handle = async (hop, next, mesh) =>
      hop === 'user' ? clientOf(mesh, 'order').unary({}, { timeoutMs: 60_000 }) : next();
    await chain.unary({ id: 'x' }, { timeoutMs: 1500 });
    for (const { leftMs } of seen) expect(leftMs).toBeLessThanOrEqual(1500);
    // None was given: the default of each call is cut to what the caller has left.
    expect(seen).toHaveLength(3);
  });

  it('F31: spent, lets no downstream call be made, by a client or by a stub', async () => {
    const failures: unknown[] = [];
    const path = `/${StreamServiceDefinition.fullName}/Unary`;
    handle = async (hop, next, mesh) => {
      if (hop !== 'order') return next();
      await pause(300);
      await next().catch((error: unknown) => failures.push(error));
      await stubCall(mesh.channel('payment'), path).catch((error) => failures.push(error));
    };
    await expect(chain.unary({ id: 'x' }, { timeoutMs: 200 })).rejects.toMatchObject({
      code: Status.DEADLINE_EXCEEDED,
    });
    await eventually(() => expect(failures).toHaveLength(2));
    // The stub notices first that the incoming call has ended.
    expect(failures).toMatchObject([
      { code: Status.DEADLINE_EXCEEDED },
      { code: Status.CANCELLED },
    ]);
    await pause(50);
    expect(hops()).toEqual(['user', 'order']);
  });

  it('F31: nearly spent, lets no retry be made', async () => {
    const started = await stage.serve('late', ['a', 'b']);
    const [a, b] = started as [EchoInstance, EchoInstance];
    const retry = { initialBackoffMs: 200, maxBackoffMs: 200 };
    const users = stage.users('late', { retry });
    await warmUp(users, started);
    for (const { behaviour } of started) {
      Object.assign(behaviour, { delayMs: 60, failWith: Status.UNAVAILABLE });
    }
    const error = await users.getUser({ id: 'x' }, { timeoutMs: 150 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    await pause(300);
    expect(a.calls + b.calls).toBe(1);
    // With time for it, it is made.
    await users.getUser({ id: 'x' }, { timeoutMs: 1000 }).catch(() => {});
    expect(a.calls + b.calls).toBe(3);
  });
});

describe('a cancelled call', () => {
  it('F32: is cancelled at every hop', async () => {
    handle = (hop, next) => (hop === 'payment' ? pause(500) : next());
    const caller = new AbortController();
    const call = chain.unary({ id: 'x' }, { signal: caller.signal });
    await eventually(() => expect(hops()).toEqual(HOPS));
    expect(seen.map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
    caller.abort();
    await expect(call).rejects.toThrow(/abort/i);
    await eventually(
      () => expect(seen.map(({ signal }) => signal.aborted)).toEqual([true, true, true]),
      { withinMs: 400 },
    );
  });

  it('F32: cancels what a grpc-js stub has called, too', async () => {
    const started = await stage.serve('stubbed', ['a']);
    const [echo] = started as [EchoInstance];
    echo.behaviour.delayMs = 2000;
    const path = `/${UserServiceDefinition.fullName}/GetUser`;
    handle = (_hop, _next, mesh) => stubCall(mesh.channel('stubbed'), path).catch(() => {});
    const caller = new AbortController();
    const call = chain.unary({ id: 'x' }, { signal: caller.signal });
    await eventually(() => expect(echo.calls).toBe(1));
    caller.abort();
    await expect(call).rejects.toThrow(/abort/i);
    await eventually(() => expect(echo.cancelled).toBe(1), { withinMs: 1000 });
  });

  it('F32: does not reach what was begun on behalf of no call', async () => {
    let outcome: Promise<unknown> | undefined;
    handle = async (hop, next) => {
      if (hop === 'payment') return pause(200);
      if (hop === 'user') return next();
      outcome = withoutCall(next);
      return outcome;
    };
    const caller = new AbortController();
    const call = chain.unary({ id: 'x' }, { signal: caller.signal, timeoutMs: 1000 });
    await eventually(() => expect(hops()).toEqual(HOPS));
    caller.abort();
    await expect(call).rejects.toThrow(/abort/i);
    await eventually(() => expect(seen[1]?.signal.aborted).toBe(true));
    expect(await outcome).toMatchObject({ user: { name: 'payment' } });
    expect(seen[2]?.signal.aborted).toBe(false);
    // Nor is its deadline inherited: it has the default.
    expect(seen[2]?.leftMs).toBeGreaterThan(1000);
  });
});
