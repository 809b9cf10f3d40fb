import { FieldChecks, failedPrecondition, nameHint, notFound } from '@weft/proto';
import type { OrchestratorServiceImplementation } from '@weft/proto/orchestrator';
import { OrchestratorError, PortError } from '../errors.ts';
import { pageUrl } from '../output/page-url.ts';
import type { SlotGroup } from '../slot/slot-group.ts';
import type { Supervisor } from '../supervisor.ts';
import { MAX_INSTANCES } from '../topology/topology.ts';

export interface OrchestratorHandlerOptions {
  readonly supervisor: Supervisor;
  /** "etcd" or "memory". */
  readonly store: string;
  /** Stops the mesh; resolves when all its processes have ended. */
  readonly stop: () => Promise<void>;
}

/** Answers a change that did not work out as a status with its reason. */
async function attempt<Result>(change: Promise<Result>): Promise<Result> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof OrchestratorError)) throw error;
    const reason = error instanceof PortError ? 'PORT_UNAVAILABLE' : 'PROCESS_DID_NOT_START';
    throw failedPrecondition(error.message, { reason });
  }
}

/** OrchestratorService over a supervisor. */
export function createOrchestratorHandlers({
  supervisor,
  store,
  stop,
}: OrchestratorHandlerOptions): OrchestratorServiceImplementation {
  const statusOf = (group: SlotGroup) => supervisor.statusOf(group);
  const groupOf = (service: string) => {
    const group = supervisor.group(service);
    if (group === undefined) {
      const names = supervisor.groups().map(({ name }) => name);
      throw notFound('service', service, nameHint(service, names));
    }
    return group;
  };
  return {
    async getStatus() {
      return {
        services: supervisor.status(),
        store,
        registryAddress: supervisor.registryAddress,
        etcdEndpoints: supervisor.etcdEndpoints,
        pageUrl: pageUrl(supervisor.pageAddress),
      };
    },
    async scale({ service, instances }) {
      const checks = new FieldChecks();
      checks.check(service !== '', 'service', 'must name a service of weft.yaml');
      checks.check(
        instances >= 0 && instances <= MAX_INSTANCES,
        'instances',
        `must be 0 to ${MAX_INSTANCES}`,
      );
      checks.throwIfAny();
      const group = groupOf(service);
      const { min = 0, max = MAX_INSTANCES } = supervisor.scaleOf(service) ?? {};
      checks.check(
        instances >= min && instances <= max,
        'instances',
        `must be ${min} to ${max}, between which ${service} follows its load by itself: see \`scale\` in weft.yaml`,
      );
      checks.throwIfAny();
      await attempt(supervisor.scale(group, instances));
      return { service: statusOf(group) };
    },
    async restart({ service }) {
      const groups = service === '' ? supervisor.groups() : [groupOf(service)];
      const notes = await attempt(supervisor.restart(groups));
      return { services: groups.map(statusOf), notes };
    },
    async stop() {
      await stop();
      return {};
    },
  };
}
