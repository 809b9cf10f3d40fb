import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { type CallContext, currentCall, type Route, route } from '@weft/client-sdk';
import type { Client } from 'nice-grpc';
import { findGoCaller } from '../../scripts/tools/build-go-caller.ts';
import { collected, StreamServiceDefinition, saying } from './stream-service.ts';

/** Messages of a stream that is told how long to take. */
const MESSAGES = 5;

/** Time between two calls of one loop, in ms. */
const PAUSE_MS = 50;

/** Kinds of calls, by the names of the methods. */
export const KINDS = ['unary', 'serverStream', 'clientStream', 'bidi'] as const;
export type Kind = (typeof KINDS)[number];

export type LongCallClient = Pick<Client<typeof StreamServiceDefinition>, Kind>;

/** A failed call of a load. */
export interface FailedCall {
  readonly client: string;
  readonly kind: Kind;
  readonly lengthMs: number;
  /** When it failed, in ms since it began. */
  readonly afterMs: number;
  readonly error: string;
}

async function* spread(lengthMs: number): AsyncGenerator<{ id: string }> {
  for (let index = 0; index < MESSAGES; index += 1) {
    yield { id: String(index) };
    await pause(lengthMs / MESSAGES);
  }
}

/**
 * A service whose calls take as long as the caller says: the id of a request is a time in ms; a request
 * stream takes as long as its caller keeps it open. Every response says `instance`.
 */
export function longCallRoute(instance: string): Route {
  return route(StreamServiceDefinition, {
    async unary({ id }) {
      await pause(Number(id));
      return saying(instance);
    },
    async *serverStream({ id }) {
      for await (const _ of spread(Number(id))) yield saying(instance);
    },
    async clientStream(requests) {
      for await (const _ of requests);
      return saying(instance);
    },
    async *bidi(requests) {
      for await (const _ of requests) yield saying(instance);
    },
  });
}

/** Streams that stay open until the service begins to stop, and then end by themselves. */
export function untilClosingRoute(instance: string): Route {
  const closed = async (): Promise<void> => {
    const { closing } = currentCall() as CallContext;
    if (closing.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    closing.addEventListener('abort', () => resolve(), { once: true });
    await promise;
  };
  return route(StreamServiceDefinition, {
    unary: async () => saying(instance),
    async *serverStream() {
      yield saying(instance);
      await closed();
      yield saying('closing');
    },
    async clientStream() {
      await closed();
      return saying('closing');
    },
    async *bidi() {
      yield saying(instance);
      await closed();
      yield saying('closing');
    },
  });
}

async function makeCall(client: LongCallClient, kind: Kind, lengthMs: number): Promise<void> {
  const request = { id: String(lengthMs) };
  // Far longer than the call takes: what ends a call here is never its deadline.
  const options = { timeoutMs: lengthMs + 60_000 } as object;
  switch (kind) {
    case 'unary':
      await client.unary(request, options);
      return;
    case 'clientStream':
      await client.clientStream(spread(lengthMs), options);
      return;
    case 'serverStream':
    case 'bidi': {
      const responses =
        kind === 'bidi'
          ? client.bidi(spread(lengthMs), options)
          : client.serverStream(request, options);
      const { length } = await collected(responses);
      if (length !== MESSAGES) throw new Error(`${length} of ${MESSAGES} messages came`);
    }
  }
}

/** A load, and what became of it. */
export interface LongLoad {
  readonly failures: FailedCall[];
  /** Calls that have ended. */
  readonly calls: number;
  /** Begins no more calls. Resolves when those that are open have ended. */
  stop(): Promise<void>;
}

/**
 * Keeps one call of each kind and length open at each client, one after the other, until `stop`.
 * @param clients by name
 */
export function callForLong(
  clients: Readonly<Record<string, LongCallClient>>,
  lengthsMs: readonly number[],
): LongLoad {
  const failures: FailedCall[] = [];
  let calls = 0;
  let isOver = false;
  const loop = async (name: string, client: LongCallClient, kind: Kind, lengthMs: number) => {
    while (!isOver) {
      const startedAt = performance.now();
      try {
        await makeCall(client, kind, lengthMs);
      } catch (error) {
        const afterMs = Math.round(performance.now() - startedAt);
        failures.push({ client: name, kind, lengthMs, afterMs, error: String(error) });
      }
      calls += 1;
      // Short calls are many enough without one right after the other.
      await pause(PAUSE_MS);
    }
  };
  // One begins after the other, so that both instances get some of each kind.
  let begun = 0;
  const loops = Object.entries(clients).flatMap(([name, client]) =>
    KINDS.flatMap((kind) =>
      lengthsMs.map(async (lengthMs) => {
        begun += 1;
        await pause(begun * 20);
        await loop(name, client, kind, lengthMs);
      }),
    ),
  );
  return {
    failures,
    get calls() {
      return calls;
    },
    async stop() {
      isOver = true;
      await Promise.all(loops);
    },
  };
}

/** The load of `callForLong` from a process of grpc-go, see test/fixtures/go-caller. */
export function callFromGo(addresses: readonly string[], lengthsMs: readonly number[]): LongLoad {
  const child = spawn(findGoCaller() ?? '', [addresses.join(','), lengthsMs.join(',')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const failures: FailedCall[] = [];
  let calls = 0;
  const lines = createInterface(child.stdout).on('line', (line) => {
    const read = JSON.parse(line);
    if (typeof read.calls === 'number') calls = read.calls;
    else failures.push(read);
  });
  return {
    failures,
    get calls() {
      return calls;
    },
    async stop() {
      child.stdin.end();
      await ended;
      lines.close();
    },
  };
}
