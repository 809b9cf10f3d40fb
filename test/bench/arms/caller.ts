import type { CallEnd } from '../harness/open-loop.ts';

/** What a call is to be. */
export interface CallSpec {
  /** CreateUser, which no contract calls idempotent, instead of GetUser, which is. */
  readonly isWrite?: boolean;
  /** What `consistent_hash` is to go by. */
  readonly key?: string;
}

/** One arm's way to call the service of the benches. Never rejects. */
export interface Caller {
  call(spec?: CallSpec): Promise<CallEnd>;
  close(): void | Promise<void>;
}

/** What arm a client process is to be, and where the service is. */
export interface ArmSpec {
  readonly kind:
    | 'bare-grpc-js'
    | 'weft-grpc-js'
    | 'bare-nice-grpc'
    | 'weft-nice-grpc'
    | 'moleculer';
  /** `host:port` of every instance; Moleculer's with `/nodeId`. More than one: grpc-js round_robin. */
  readonly addresses?: readonly string[];
  readonly registry?: string;
  readonly service?: string;
  /** Deadline given with each call, in ms; a mesh has its own default of 2 s. */
  readonly deadlineMs?: number;
  /** Of the mesh. */
  readonly strategy?: string;
  /** Further policy of the mesh for the service. */
  readonly policy?: object;
  /** Channel options of a bare channel. */
  readonly channelOptions?: Readonly<Record<string, string | number>>;
  /** Whether each end tells how often the call was retried; costs a listener. */
  readonly tellsRetries?: boolean;
}

/** The request header that carries the key. */
export const KEY_HEADER = 'x-bench-key';

/** What every arm sends. */
export const request = { id: '4d1c8f0a-9a57-4c1e-8a4e-3f2b1c0d9e8f' };
export const writeRequest = { name: 'Ada Lovelace', email: 'ada@example.org', idempotencyKey: '' };

export const DEADLINE_MS = 2000;
