/** What `/api/stream` tells the page: JSON, one message per server-sent event. */

export type StatusName = 'UNSPECIFIED' | 'STARTING' | 'RUNNING' | 'STOPPING' | 'STOPPED' | 'ERROR';

/** An instance as the page shows it. */
export interface WireInstance {
  service: string;
  id: string;
  /** `host:port`. */
  address: string;
  /** `API`, `WORKER` and so on. */
  type: string;
  version: string;
  zone: string;
  weight: number;
  metadata: [key: string, value: string][];
  dependencies: string[];
  /** When its process started, in ms since 1970. */
  startedAt: number;
  status: StatusName;
  /** What the registry's health checks found; empty when there are none. */
  health: '' | 'SERVING' | 'NOT_SERVING';
  /** In hexadecimal, as etcdctl prints it. */
  leaseId: string;
  ttlSeconds: number;
}

/** Traffic between two over the last seconds. */
export interface WireEdge {
  /** The service that calls, or the name of a program that offers none; empty for all callers. */
  caller: string;
  service: string;
  /** Empty for all. */
  instance: string;
  /** Attempts a second. */
  rate: number;
  /** Of these, failed ones. */
  errors: number;
  p50Ms: number;
  p99Ms: number;
}

/** A breaker that is not closed. */
export interface WireBreaker {
  caller: string;
  callerInstance: string;
  service: string;
  instance: string;
  state: 'OPEN' | 'HALF_OPEN';
  /** Whether it was opened by hand, and stays so until it is closed by hand. */
  isForced: boolean;
  /** In ms since 1970. */
  since: number;
}

export interface WireEvent {
  /** From 1 since the registry started. */
  sequence: number;
  /** In ms since 1970, by the clock of who told it. */
  time: number;
  /** `REGISTERED`, `BREAKER_OPENED` and so on. */
  kind: string;
  service: string;
  instance: string;
  /** Whose client told it; empty when the registry did. */
  caller: string;
  detail: string;
}

/** A lease and how long ago this registry renewed or granted it, in ms. */
export type WireRenewal = [leaseId: string, agoMs: number];

/** Everything as it is; comes first, and again when what was told before no longer holds. */
export interface SnapshotMessage {
  kind: 'snapshot';
  /** Whether the store has been read; until then there are no instances. */
  isComplete: boolean;
  isStale: boolean;
  /** Whether instances may be drained and deregistered, and breakers ordered, from the page. */
  hasActions: boolean;
  /** Where the registry listens for gRPC. */
  registry: string;
  instances: WireInstance[];
  renewals: WireRenewal[];
  /** The latest, oldest first. */
  events: WireEvent[];
}

export interface ChangesMessage {
  kind: 'changes';
  put: WireInstance[];
  deleted: { service: string; id: string }[];
  isStale: boolean;
}

export interface TrafficMessage {
  kind: 'traffic';
  /** In ms since 1970. */
  time: number;
  /** By service called, all callers together. */
  totals: WireEdge[];
  /** By calling and called service. */
  edges: WireEdge[];
  /** By instance called. */
  instances: WireEdge[];
  breakers: WireBreaker[];
  /** Leases renewed since the last such message. */
  renewals: WireRenewal[];
}

export interface EventsMessage {
  kind: 'events';
  events: WireEvent[];
}

/** The six sets, MS = (S, I, D, C, N, M), and how they stand to the rules. */
export interface WireArchitecture {
  /** Where it is from; empty for what the page itself makes of what it knows. */
  source: string;
  /** When it was published, in ms since 1970. */
  time: number;
  services: { name: string; offers: string[]; dependencies: string[]; isDeclared: boolean }[];
  interfaces: { name: string; methods: string[]; providers: string[] }[];
  stores: { service: string; name: string }[];
  configuration: { service: string; name: string; value: string }[];
  nodes: { service: string; instance: string; address: string; isLive: boolean }[];
  calls: { caller: string; interface: string; provider: string; sources: CallSourceName[] }[];
  rules: WireRule[];
}

/** How it is known that one service calls another. */
export type CallSourceName = 'declared' | 'listed' | 'observed';

export interface WireRule {
  id: string;
  /** What holds, in words. */
  holds: string;
  verdict: 'holds' | 'broken' | 'unknown';
  breaches: { services: string[]; message: string }[];
}

/** The architecture as it was last published; a snapshot takes back what was told before. */
export interface ArchitectureMessage {
  kind: 'architecture';
  architecture: WireArchitecture;
}

export type StreamMessage =
  | SnapshotMessage
  | ChangesMessage
  | TrafficMessage
  | EventsMessage
  | ArchitectureMessage;

/** What a POST to `/api/actions` asks for. */
export type ActionRequest = InstanceAction | BreakerAction;

export interface InstanceAction {
  action: 'drain' | 'deregister';
  service: string;
  id: string;
  leaseId: string;
}

export interface BreakerAction {
  /** What clients are to do with their breakers of the instance. */
  action: 'open' | 'close';
  service: string;
  id: string;
  /** The instance, or name, of the client that is meant; empty for all. */
  caller: string;
}
