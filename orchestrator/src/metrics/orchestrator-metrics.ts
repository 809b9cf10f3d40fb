import { MetricSet } from '@weft/proto/metrics';
import { ProcessState, type ServiceStatus } from '@weft/proto/orchestrator';

const STATES: readonly (readonly [ProcessState, name: string])[] = [
  [ProcessState.PROCESS_STATE_STARTING, 'starting'],
  [ProcessState.PROCESS_STATE_RUNNING, 'running'],
  [ProcessState.PROCESS_STATE_STOPPING, 'stopping'],
  [ProcessState.PROCESS_STATE_BACKOFF, 'backoff'],
  [ProcessState.PROCESS_STATE_STOPPED, 'stopped'],
];

/** The metrics of an orchestrator; etcd and the registry count as services. */
export function orchestratorMetrics(status: () => readonly ServiceStatus[]): MetricSet {
  const set = new MetricSet();
  set.gauge('weft_orchestrator_desired_instances', 'Processes that a service is to have.', () =>
    status().map(({ name, desiredInstances }) => ({
      labels: { service: name },
      value: desiredInstances,
    })),
  );
  set.gauge('weft_orchestrator_processes', 'Processes of a service, by state.', () =>
    status().flatMap(({ name, processes }) =>
      STATES.map(([code, state]) => ({
        labels: { service: name, state },
        value: processes.filter((process) => process.state === code).length,
      })),
    ),
  );
  set.gauge(
    'weft_orchestrator_healthy_processes',
    'Processes found healthy when last looked at.',
    () =>
      status().map(({ name, processes }) => ({
        labels: { service: name },
        value: processes.filter(({ healthy }) => healthy).length,
      })),
  );
  set.gauge(
    'weft_orchestrator_scaling_load',
    'What each instance of a service that follows its load bears, as a share of its target.',
    () =>
      status().flatMap(({ name, scaling }) => {
        const target = scaling?.inFlight ?? scaling?.cpu;
        if (target === undefined || scaling?.load === undefined) return [];
        return [{ labels: { service: name }, value: scaling.load / target }];
      }),
  );
  set.counter(
    'weft_orchestrator_restarts_total',
    'Times a process was started again after it ended by itself.',
    () =>
      status().flatMap(({ name, processes }) =>
        processes.map((process) => ({
          labels: { service: name, process: process.name },
          value: process.restarts,
        })),
      ),
  );
  return set;
}
