import { get } from 'node:http';
import { connect } from 'node:net';
import { addressText } from '@weft/proto';
import type { Address } from '@weft/proto/registry';
import { type Finding, GrpcHealth } from '../slot/grpc-health.ts';
import type { HealthSpec } from '../topology/topology.ts';

/** How to check the health of a program; see `HealthSpec`. */
export type HealthMethod = Pick<HealthSpec, 'type' | 'service' | 'path'>;

/** Checks the health of one program. */
export interface HealthCheck {
  /** How it checks, in words: "GET http://127.0.0.1:8080/healthz". */
  readonly what: string;
  /** Checks once, for at most `timeoutMs`. Never rejects. */
  look(timeoutMs: number): Promise<Finding>;
  /** Frees its connections. */
  close(): void;
}

/** A GET that is answered by 2xx or 3xx finds the program serving. Each is made on a connection of its own. */
function lookByHttp({ host, port }: Address, path: string, timeoutMs: number): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<Finding>();
  // A connection that stays open would keep a server that handles one at a time from everyone else.
  const options = { host, port, path, agent: false, signal: AbortSignal.timeout(timeoutMs) };
  const request = get(options, ({ statusCode = 0 }) => {
    resolve(statusCode >= 200 && statusCode < 400 ? 'serving' : 'refusing');
    request.destroy();
  });
  request.on('error', () => resolve('silent'));
  return promise;
}

/** A program that accepts a TCP connection serves. */
function lookByTcp({ host, port }: Address, timeoutMs: number): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<Finding>();
  const socket = connect({ host, port, timeout: timeoutMs });
  const end = (finding: Finding) => {
    resolve(finding);
    socket.destroy();
  };
  socket.on('connect', () => end('serving'));
  socket.on('timeout', () => end('silent'));
  socket.on('error', () => end('silent'));
  return promise;
}

/** A check of the program at an address. */
export function createHealthCheck(method: HealthMethod, address: Address): HealthCheck {
  const { type, service, path } = method;
  const what = healthMethodText(method, address);
  const close = () => {};
  switch (type) {
    case 'http':
      return { what, look: (timeoutMs) => lookByHttp(address, path, timeoutMs), close };
    case 'tcp':
      return { what, look: (timeoutMs) => lookByTcp(address, timeoutMs), close };
    case 'none':
      return { what, look: async () => 'serving', close };
    case 'grpc': {
      const health = new GrpcHealth();
      const text = addressText(address);
      return {
        what,
        look: (timeoutMs) => health.look(text, service, timeoutMs),
        close: () => health.close(),
      };
    }
  }
}

/** The address in a text such as `127.0.0.1:80` or `[::1]:80`; undefined if there is none. */
export function addressOf(text: string): Address | undefined {
  const [, host, port] = /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? [];
  return host === undefined ? undefined : { host, port: Number(port) };
}

/** How a program is checked, in words: "GET http://127.0.0.1:8080/healthz". */
function healthMethodText({ type, service, path }: HealthMethod, address: Address): string {
  const where = addressText(address);
  switch (type) {
    case 'http':
      return `GET http://${where}${path}`;
    case 'tcp':
      return `a TCP connection to ${where}`;
    case 'none':
      return 'no check';
    case 'grpc':
      return `grpc.health.v1 at ${where}${service === '' ? '' : ` for ${service}`}`;
  }
}
