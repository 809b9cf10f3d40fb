import { MetricSet } from '@weft/proto/metrics';
import type { LifecycleStatus } from '../server/lifecycle.ts';

/** An offered service, as it is whenever looked at. */
export interface MeasuredService {
  readonly inFlight: number;
  readonly status: LifecycleStatus;
  readonly isRegistered: boolean;
}

const STATUSES: readonly LifecycleStatus[] = [
  'STARTING',
  'RUNNING',
  'ERROR',
  'STOPPING',
  'STOPPED',
];

/** The metrics `weft_service_*` of one offered service. */
export function serviceMetrics(read: () => MeasuredService): MetricSet {
  const set = new MetricSet();
  set.gauge(
    'weft_service_in_flight',
    'Calls being answered, health and reflection included.',
    () => read().inFlight,
  );
  set.gauge(
    'weft_service_registered',
    '1 while the registry lists it under a lease of its own.',
    () => Number(read().isRegistered),
  );
  set.gauge('weft_service_lifecycle', '1 for the status it is in, 0 for the others.', () =>
    STATUSES.map((status) => ({ labels: { status }, value: Number(read().status === status) })),
  );
  return set;
}
