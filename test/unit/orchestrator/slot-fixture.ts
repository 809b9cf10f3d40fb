import type { ManagedProcess } from '../../../orchestrator/src/process/managed-process.ts';
import type { Probe, Reading } from '../../../orchestrator/src/slot/probe.ts';
import { Slot } from '../../../orchestrator/src/slot/slot.ts';
import { SlotReporter } from '../../../orchestrator/src/slot/slot-reporter.ts';

/** What a look at a healthy process finds. */
export const healthy: Reading = {
  address: '127.0.0.1:1',
  isHealthy: true,
  isReady: true,
  isExcused: false,
  isSilent: false,
};
/** What a look at a process that does not answer finds. */
export const silent: Reading = {
  address: '',
  isHealthy: false,
  isReady: false,
  isExcused: false,
  isSilent: true,
};

/** A slot whose processes exist only here, and look as `read` says. */
export function createSlot(
  name: string,
  read: () => Reading,
  {
    startTimeoutMs = 10_000,
    restartAfterMs = 10_000,
    first = {},
  }: { startTimeoutMs?: number; restartAfterMs?: number; first?: object } = {},
) {
  const processes: (ManagedProcess & { end(reason: string): void; terminated: number })[] = [];
  const reports: string[] = [];
  const changes: string[] = [];
  const reporter = new SlotReporter();
  const launch = () => {
    const { promise: exited, resolve } = Promise.withResolvers<string>();
    const process = {
      pid: processes.length + 1,
      exited,
      terminated: 0,
      end: resolve,
      terminate() {
        process.terminated += 1;
        resolve('exit code 0');
      },
    };
    processes.push(process);
    const probe: Probe = { read: async () => read(), close() {} };
    const launched = { process, probe, instanceId: `${name}-${process.pid}` };
    return processes.length === 1 ? { ...launched, ...first } : launched;
  };
  const slot = new Slot({
    name,
    logFile: '/nonexistent/slot.log',
    specification: 'any',
    health: { intervalMs: 10, timeoutMs: 10, startTimeoutMs, restartAfterMs },
    stopTimeoutMs: 1000,
    firstReportMs: 200,
    launch,
    onChange: (changed) => {
      changes.push(changed.address);
      const news = reporter.describe(changed);
      if (news) reports.push(news);
    },
  });
  return { slot, processes, reports, changes };
}
