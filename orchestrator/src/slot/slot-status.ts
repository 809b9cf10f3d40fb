import {
  ProcessState,
  type ProcessStatus,
  type Scaling,
  type ServiceStatus,
} from '@weft/proto/orchestrator';
import type { ScaleSpec } from '../topology/topology.ts';
import type { Slot } from './slot.ts';
import type { SlotState } from './slot-state.ts';

const states: Record<SlotState['kind'], ProcessState> = {
  starting: ProcessState.PROCESS_STATE_STARTING,
  running: ProcessState.PROCESS_STATE_RUNNING,
  stopping: ProcessState.PROCESS_STATE_STOPPING,
  backoff: ProcessState.PROCESS_STATE_BACKOFF,
  stopped: ProcessState.PROCESS_STATE_STOPPED,
};

function processStatus(slot: Slot): ProcessStatus {
  return {
    name: slot.name,
    pid: slot.pid ?? 0,
    address: slot.address,
    state: states[slot.state.kind],
    healthy: slot.isHealthy,
    startTime: slot.startTime,
    restarts: slot.restarts,
    logFile: slot.logFile,
    lastExit: slot.lastExit,
    instanceId: slot.instanceId,
  };
}

/** Tells how a service follows its load, and what each instance bears now, as the contract does. */
export function scalingStatus({ min, max, target }: ScaleSpec, load: number | undefined): Scaling {
  const { kind, value } = target;
  return {
    minInstances: min,
    maxInstances: max,
    inFlight: kind === 'inFlight' ? value : undefined,
    cpu: kind === 'cpu' ? value : undefined,
    load,
  };
}

/** Tells the slots of one service as the contract does. */
export function serviceStatus(
  name: string,
  desiredInstances: number,
  slots: readonly Slot[],
  scaling?: Scaling,
): ServiceStatus {
  return { name, desiredInstances, processes: slots.map(processStatus), scaling };
}
