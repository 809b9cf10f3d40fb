import { ProcessState, type ProcessStatus, type ServiceStatus } from '@weft/proto/orchestrator';
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

/** Tells the slots of one service as the contract does. */
export function serviceStatus(
  name: string,
  desiredInstances: number,
  slots: readonly Slot[],
): ServiceStatus {
  return { name, desiredInstances, processes: slots.map(processStatus) };
}
