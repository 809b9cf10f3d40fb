import type { MeshPolicies } from '@weft/client-sdk';
import type { JsonObject } from '../json.ts';
import type { StoreChoice } from '../store-choice.ts';

/** Most instances that a service may have on one machine. */
export const MAX_INSTANCES = 100;

/**
 * How a program is checked: by grpc.health.v1 (a gRPC server that offers no health checks passes, as it answers), by
 * an HTTP GET that must return 2xx or 3xx, by a TCP connection that it must accept, or not at all.
 */
export type HealthType = (typeof HEALTH_TYPES)[number];
export const HEALTH_TYPES = ['grpc', 'http', 'tcp', 'none'] as const;

/** How the health of a process is asked and judged. */
export interface HealthSpec {
  /** Default grpc. The others are for services that `weft up` registers. */
  readonly type: HealthType;
  /** Path that `http` gets. Default `/`. */
  readonly path: string;
  /** Name asked for over grpc.health.v1; empty for the whole server (the default). */
  readonly service: string;
  /** Between two checks of a running process. Default 2000. */
  readonly intervalMs: number;
  /** How long one check may take. Default 1000. */
  readonly timeoutMs: number;
  /** How long a process may take from its start to its first healthy check. Default 30,000. */
  readonly startTimeoutMs: number;
  /**
   * How long a running process may give no answer before it is ended (SIGKILL 5 s after SIGTERM) and started
   * again. One that answers that it does not serve is left alone. Default 30,000; 0: never.
   */
  readonly restartAfterMs: number;
}

/** A call by which `weft verify --live` tries whether a service needs its dependencies. */
export interface TrialCall {
  /** Method of the service, `ListUserOrders`. */
  readonly call: string;
  /** The request in protobuf's JSON form. Default: an empty one. */
  readonly request: JsonObject;
  /** While one of these services is down it must fail UNAVAILABLE; with all others down it goes on. */
  readonly needs: readonly string[];
}

/** How a service follows its load. */
export interface ScaleSpec {
  /** Fewest instances, 1 to MAX_INSTANCES. */
  readonly min: number;
  /** Most instances, `min` to MAX_INSTANCES. */
  readonly max: number;
  /** What each instance is to bear: calls under way on average, or cores of CPU kept busy. */
  readonly target: { readonly kind: 'inFlight' | 'cpu'; readonly value: number };
  /** For how long fewer must have been enough before there are fewer, in ms. Default 60,000. */
  readonly cooldownMs: number;
}

/** One service of weft.yaml, defaults filled in. */
export interface ServiceSpec {
  readonly name: string;
  /** Program and arguments; run without a shell in the folder of weft.yaml. */
  readonly command: readonly string[];
  /** How many instances, 0 to MAX_INSTANCES. Default 1, or the fewest that `scale` allows. */
  readonly instances: number;
  /** Undefined for as many as `instances` says, or `weft scale`. */
  readonly scale: ScaleSpec | undefined;
  /**
   * Whether `weft up` registers the instances, renews, checks and drains them, as the program does not use the
   * SDK. The program gets its port as $PORT, $WEFT_PORT and in place of `{port}` in its command. Default false.
   */
  readonly register: boolean;
  /** Port of the first instance, the next has the next; 0 (the default) lets each take a free one. */
  readonly port: number;
  /** Services that must be healthy before this one starts. */
  readonly dependencies: readonly string[];
  /** Set for the process, over the environment of `weft` itself. */
  readonly environment: Readonly<Record<string, string>>;
  readonly health: HealthSpec;
  /** Between SIGTERM and SIGKILL. Default 35,000: a drain takes at most 30 s. */
  readonly stopTimeoutMs: number;
  /**
   * gRPC services it offers, by full name, besides those of every Weft server. Undefined where the file
   * does not say: then `user-service` offers what the contracts describe as `UserService`.
   */
  readonly offers: readonly string[] | undefined;
  /** Where its data is: paths from the folder of weft.yaml, or URLs. */
  readonly stores: readonly string[];
  /** What `weft verify --live` calls. */
  readonly verify: readonly TrialCall[];
}

/** What weft.yaml says. */
export interface Topology {
  /** Path of the file. */
  readonly file: string;
  /** Its folder: commands run there, and `.weft` stands there. */
  readonly folder: string;
  /** IP address that everything listens on. Default 127.0.0.1. */
  readonly host: string;
  readonly registry: {
    /**
     * Port of its web page, /metrics and /sd; 0 takes a free one.
     * Default (undefined): 7480, or a free one if 7480 is taken.
     */
    readonly httpPort: number | undefined;
    /** Default 7400; 0 takes a free one. */
    readonly port: number;
    readonly store: StoreChoice;
    /** Host names by which browsers may reach its web page, besides addresses and localhost. Default none. */
    readonly httpHosts: readonly string[];
    /** Whether its web page may drain, deregister and order breakers. Default false. */
    readonly allowActions: boolean;
  };
  readonly etcd: {
    /** Client port of the etcd that `weft up` runs. Default 2379; 0 takes a free one. */
    readonly port: number;
    /** Stands before every key in etcd, such as `/staging`. Default: empty, no prefix. */
    readonly prefix: string;
  };
  /**
   * Files of compiled contracts (google.protobuf.FileDescriptorSet, as `buf build -o` writes them);
   * undefined for those of Weft itself.
   */
  readonly contracts: readonly string[] | undefined;
  /** How the services call each other, checked; undefined when the file does not say. */
  readonly calls: MeshPolicies | undefined;
  /** In the order of the file. */
  readonly services: readonly ServiceSpec[];
}
