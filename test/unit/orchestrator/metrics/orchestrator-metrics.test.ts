import { expect, it } from '@jest/globals';
import { ProcessState, type ProcessStatus } from '@weft/proto/orchestrator';
import { orchestratorMetrics } from '../../../../orchestrator/src/metrics/orchestrator-metrics.ts';

function process(name: string, state: ProcessState, restarts: number): ProcessStatus {
  const healthy = state === ProcessState.PROCESS_STATE_RUNNING;
  const rest = { pid: 1, address: '', startTime: undefined, logFile: '', lastExit: '' };
  return { name, state, healthy, restarts, instanceId: '', ...rest };
}

it('tells processes by state, and what each is to be', async () => {
  const processes = [
    process('shop-1', ProcessState.PROCESS_STATE_RUNNING, 0),
    process('shop-2', ProcessState.PROCESS_STATE_BACKOFF, 7),
  ];
  const scaling = { minInstances: 1, maxInstances: 4, inFlight: 10, load: 12, cpu: undefined };
  const set = orchestratorMetrics(() => [
    { name: 'shop', desiredInstances: 3, processes, scaling },
  ]);
  const lines = (await set.text()).split('\n').filter((line) => line.startsWith('weft_'));
  expect(lines).toEqual([
    'weft_orchestrator_desired_instances{service="shop"} 3',
    'weft_orchestrator_processes{service="shop",state="starting"} 0',
    'weft_orchestrator_processes{service="shop",state="running"} 1',
    'weft_orchestrator_processes{service="shop",state="stopping"} 0',
    'weft_orchestrator_processes{service="shop",state="backoff"} 1',
    'weft_orchestrator_processes{service="shop",state="stopped"} 0',
    'weft_orchestrator_healthy_processes{service="shop"} 1',
    'weft_orchestrator_scaling_load{service="shop"} 1.2',
    'weft_orchestrator_restarts_total{service="shop",process="shop-1"} 0',
    'weft_orchestrator_restarts_total{service="shop",process="shop-2"} 7',
  ]);
});
