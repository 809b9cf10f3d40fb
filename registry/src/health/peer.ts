import { connect } from 'node:net';
import { addressText, clientTransport, messageOf, ServingStatus } from '@weft/proto';
import { type HealthClient, HealthDefinition } from '@weft/proto/health';
import { type PeerServiceClient, PeerServiceDefinition } from '@weft/proto/peer';
import type { Address } from '@weft/proto/registry';
import { ClientError, createChannel, createClient, Status } from 'nice-grpc';
import { shortNames } from '../store/enum-names.ts';

/** A connection to an instance, of its own and for a while. Dispose of it. */
export interface Peer extends Disposable {
  readonly health: HealthClient;
  readonly identity: PeerServiceClient;
}

/** How soon a connection is known to be dead, in ms. */
export interface PeerTimes {
  /** After how long a quiet connection is tried. */
  keepAliveMs: number;
  /** How long it has to answer. */
  timeoutMs: number;
}

export function openPeer(address: Address, { keepAliveMs, timeoutMs }: PeerTimes): Peer {
  const channel = createChannel(addressText(address), undefined, {
    ...clientTransport,
    'grpc.use_local_subchannel_pool': 1,
    // Who waits for an answer gives up itself, and can then say what it waited for.
    'grpc.min_reconnect_backoff_ms': timeoutMs + 1000,
    'grpc.keepalive_time_ms': keepAliveMs,
    'grpc.keepalive_timeout_ms': timeoutMs,
  });
  return {
    health: createClient(HealthDefinition, channel),
    identity: createClient(PeerServiceDefinition, channel),
    [Symbol.dispose]: () => channel.close(),
  };
}

/** Whether a failed call says that the server does not offer what was called. */
export function isNotOffered(error: unknown): boolean {
  return error instanceof ClientError && error.code === Status.UNIMPLEMENTED;
}

/** What a failed connection or call comes to, in words that follow the address. */
export function failureText(error: unknown, signal: AbortSignal, timeoutMs: number): string {
  if (signal.aborted) return `did not answer within ${timeoutMs} ms`;
  const text = error instanceof ClientError ? error.details : messageOf(error);
  if (text.includes('ECONNREFUSED')) return 'refused the connection';
  return error instanceof ClientError ? `failed with ${Status[error.code]}: ${text}` : text;
}

/** What one look at an instance finds, and in words what is wrong. */
export type Look =
  | { readonly finding: 'serving' }
  | { readonly finding: 'refusing' | 'silent'; readonly problem: string };

const servingNames = shortNames(ServingStatus, '');

/** Asks a gRPC server for its health. One that offers none serves, as it answers. */
export async function lookAt(
  { health }: Peer,
  service: string,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Look> {
  try {
    const { status } = await health.check({ service }, { signal });
    if (isServing(status, service)) return { finding: 'serving' };
    return { finding: 'refusing', problem: `says ${servingNames.get(status) ?? status}` };
  } catch (error) {
    if (isNotOffered(error)) return { finding: 'serving' };
    const isUnknown = error instanceof ClientError && error.code === Status.NOT_FOUND;
    if (!isUnknown) return { finding: 'silent', problem: failureText(error, signal, timeoutMs) };
    if (isServing(ServingStatus.SERVICE_UNKNOWN, service)) return { finding: 'serving' };
    return { finding: 'refusing', problem: `knows no service '${service}' to tell the health of` };
  }
}

/** A server that says nothing of itself as a whole serves, as it answers. */
export function isServing(status: ServingStatus, service: string): boolean {
  if (status === ServingStatus.SERVING) return true;
  return status === ServingStatus.SERVICE_UNKNOWN && service === '';
}

/** Connects by TCP and hangs up. Who takes the connection serves. */
export async function knockAt(
  { host, port }: Address,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Look> {
  const { promise, resolve } = Promise.withResolvers<Look>();
  const fail = (error?: Error) =>
    resolve({ finding: 'silent', problem: failureText(error, signal, timeoutMs) });
  const abort = () => fail();
  const socket = connect({ host, port });
  socket.on('connect', () => resolve({ finding: 'serving' }));
  socket.on('error', fail);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  const look = await promise;
  signal.removeEventListener('abort', abort);
  socket.destroy();
  return look;
}
