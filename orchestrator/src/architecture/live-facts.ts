/** An instance as the registry lists it, and as it says itself by reflection. */
export interface LiveInstance {
  readonly service: string;
  readonly id: string;
  /** `host:port` */
  readonly address: string;
  readonly version: string;
  /** Services that it says it calls. */
  readonly dependencies: readonly string[];
  /** Every gRPC service it offers; undefined when it could not be asked. */
  readonly offers?: readonly string[];
}

/** Calls that were made of late. */
export interface LiveCall {
  /** The service that calls. */
  readonly caller: string;
  /** `user.v1.UserService` */
  readonly interface: string;
  /** The service called. */
  readonly provider: string;
}

/** A mesh that is up, as it is. */
export interface LiveFacts {
  readonly instances: readonly LiveInstance[];
  readonly calls: readonly LiveCall[];
}
