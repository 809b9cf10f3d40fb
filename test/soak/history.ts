/**
 * What a run did and saw. Times are in ms since the run began; revisions fit a number; an instance is
 * named by its key `service/id`, and its contents stand for a text that `Contents` holds.
 */
export interface History {
  readonly changes: readonly EtcdChange[];
  readonly watches: readonly WatchHistory[];
  readonly writes: readonly WriteRecord[];
  readonly departures: readonly Departure[];
  readonly polls: readonly PollHistory[];
  readonly drains: readonly DrainRecord[];
  readonly disturbances: readonly Disturbance[];
  /** Revisions up to which etcd forgot its past. */
  readonly compactions: readonly number[];
}

/** One change of a key, as etcd itself tells it. */
export interface EtcdChange {
  readonly atMs: number;
  readonly revision: number;
  readonly key: string;
  /** `foreign`: a value that is no instance. */
  readonly type: 'put' | 'delete' | 'foreign';
  /** Of a put. */
  readonly content?: string;
  readonly leaseId?: string;
}

/** All that one watcher saw, over all its streams. */
export interface WatchHistory {
  readonly name: string;
  /** Whom it follows; undefined for all. */
  readonly services: readonly string[] | undefined;
  readonly entries: WatchEntry[];
}

export type WatchEntry = { readonly atMs: number } & (
  | { readonly kind: 'open'; readonly replica: number; readonly from: number | undefined }
  | { readonly kind: 'snapshot'; readonly revision: number; readonly instances: SeenInstance[] }
  | { readonly kind: 'events'; readonly revision: number; readonly events: SeenEvent[] }
  | { readonly kind: 'progress'; readonly revision: number }
  | { readonly kind: 'end'; readonly reason: string }
  | { readonly kind: 'malformed'; readonly message: string }
);

export interface SeenInstance {
  readonly key: string;
  readonly content: string;
  readonly leaseId: string;
}

export interface SeenEvent extends SeenInstance {
  readonly type: 'put' | 'delete';
  readonly revision: number;
}

/** One write of a registrar, and what it was told. */
export interface WriteRecord {
  readonly op: 'register' | 'update' | 'deregister';
  readonly key: string;
  readonly replica: number;
  readonly sentAtMs: number;
  readonly doneAtMs: number;
  readonly outcome:
    | {
        readonly kind: 'stored';
        readonly revision: number;
        readonly content: string;
        /** Whether the instance that was answered is the one that was sent. */
        readonly isAsAsked: boolean;
      }
    | { readonly kind: 'removed'; readonly revision: number; readonly leaseId: string }
    | { readonly kind: 'not-there'; readonly revision: number; readonly leaseId: string }
    | { readonly kind: 'failed'; readonly code: string };
}

/** From `atMs` on nobody renews a lease. */
export interface Departure {
  readonly atMs: number;
  readonly key: string;
  readonly leaseId: string;
  /** How long the instance may stay listed: the lease's time to live; 0 where it was deregistered. */
  readonly ttlMs: number;
}

/** What `mesh.discover` answered, whenever it changed and was what the registry lists. */
export interface PollHistory {
  readonly name: string;
  readonly service: string;
  readonly polls: {
    readonly atMs: number;
    readonly revision: number;
    readonly instances: SeenInstance[];
  }[];
}

/** A drain that ended because no client routed to the instance any more, as the registry said. */
export interface DrainRecord {
  readonly key: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Calls that reached the instance until then. */
  readonly calls: number;
  /** When the calls were sent that clients sent to it after that. */
  readonly lateAtMs: readonly number[];
}

/** A time in which something was broken, by us or by the machine. */
export interface Disturbance {
  readonly what: string;
  readonly atMs: number;
  /** Undefined while it lasts. */
  untilMs: number | undefined;
}
