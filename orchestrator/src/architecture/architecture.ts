import type { StoreLocation } from './store-location.ts';

/** A member of S: a service that weft.yaml names, or that is registered without being named there. */
export interface ServiceModel {
  readonly name: string;
  /** Whether weft.yaml names it. */
  readonly isDeclared: boolean;
  /** Whether it is a gRPC server; a program that `weft up` registers may speak HTTP, for example. */
  readonly isGrpc: boolean;
  /** Domain interfaces it is to offer; of one that is not declared, those it does. */
  readonly offers: readonly string[];
  readonly dependencies: readonly string[];
  /** What its health check asks for; empty for the server as a whole. */
  readonly health: string;
}

/** A member of I: a gRPC service that belongs to the domain, not to every server. */
export interface InterfaceModel {
  /** `user.v1.UserService` */
  readonly name: string;
  /** Empty where no contract describes it. */
  readonly methods: readonly string[];
  readonly isDescribed: boolean;
  /** Declared services that offer it. */
  readonly providers: readonly string[];
}

/** A member of D. */
export interface StoreModel {
  readonly service: string;
  /** As weft.yaml writes it, without what must stay secret. */
  readonly name: string;
  /** Whether it is the folder that `weft up` gives to each service as $WEFT_DATA_DIR. */
  readonly isDataFolder: boolean;
  /** Undefined for what no one else can reach, such as `:memory:`. */
  readonly location: StoreLocation | undefined;
}

/** A member of C: a variable of the environment, or `command`. */
export interface SettingModel {
  readonly service: string;
  readonly name: string;
  /** Without what must stay secret. */
  readonly value: string;
  /** Every place that the value may name. */
  readonly locations: readonly StoreLocation[];
}

/** A member of N: where an instance is reached, or will be. */
export interface NodeModel {
  readonly service: string;
  readonly instance: string;
  /** `host:port`; `host:any` for one that is not up and will take a free port. */
  readonly address: string;
  readonly isLive: boolean;
  /** Empty for none, and for one that is not up. */
  readonly version: string;
  /** Every gRPC service it offers; undefined when it is not up, or could not be asked. */
  readonly offers: readonly string[] | undefined;
}

/** How it is known that one service calls another: weft.yaml, its registration, its traffic. */
export type CallSource = 'declared' | 'listed' | 'observed';

/** One value of the map M: S x I -> S. */
export interface CallModel {
  readonly caller: string;
  /** Empty when it is not known what the provider offers. */
  readonly interface: string;
  readonly provider: string;
  readonly sources: readonly CallSource[];
}

/** An architecture as data: MS = (S, I, D, C, N, M). */
export interface Architecture {
  readonly services: readonly ServiceModel[];
  readonly interfaces: readonly InterfaceModel[];
  readonly stores: readonly StoreModel[];
  readonly configuration: readonly SettingModel[];
  readonly nodes: readonly NodeModel[];
  readonly map: readonly CallModel[];
}
