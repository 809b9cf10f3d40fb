/** What a registry has done since its start; read by its metrics. */
export class RegistryCounters {
  readonly writes = { register: 0, update: 0, deregister: 0 };
  /** Leases renewed. */
  renewals = 0;
  /** Leases that were to be renewed and are no more. */
  lostLeases = 0;
  /** What was refused, by limit. */
  readonly refused = { instances: 0, metadata: 0, requests: 0 };
}
