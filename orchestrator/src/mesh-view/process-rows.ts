import type { ProcessStatus, ServiceStatus } from '@weft/proto/orchestrator';
import type { Instance } from '@weft/proto/registry';

/** A process that is supervised here, an instance that is registered, or both of one. */
export interface ProcessRow {
  readonly service: string;
  readonly process: ProcessStatus | undefined;
  readonly instance: Instance | undefined;
}

/** What runs: the processes here in their order, then the instances that run elsewhere. Pure. */
export function processRows(
  services: readonly ServiceStatus[],
  instances: readonly Instance[],
): ProcessRow[] {
  const listed = new Map(instances.map((each) => [`${each.service}/${each.id}`, each]));
  const here = services.flatMap(({ name: service, processes }) =>
    processes.map((process): ProcessRow => {
      const key = `${service}/${process.instanceId}`;
      const instance = listed.get(key);
      listed.delete(key);
      return { service, process, instance };
    }),
  );
  const elsewhere = [...listed.values()].map(
    (instance): ProcessRow => ({ service: instance.service, process: undefined, instance }),
  );
  return [...here, ...elsewhere];
}
