import { OrchestratorError } from './errors.ts';
import { addressText, whyTaken } from './process/ports.ts';
import type { ChosenStore } from './store-choice.ts';
import type { Topology } from './topology/topology.ts';

/**
 * Checks, before anything starts, that every fixed port of the mesh is free.
 * @throws OrchestratorError naming each one that is not, and whose it was to be.
 */
export async function checkPorts(topology: Topology, store: ChosenStore): Promise<void> {
  const wanted: [owner: string, port: number, path: string][] = [
    ['the registry', topology.registry.port, 'registry.port'],
  ];
  if (store.kind === 'own-etcd') wanted.push(['etcd', topology.etcd.port, 'registry.etcd.port']);
  for (const { name, port, instances } of topology.services) {
    for (let index = 0; index < instances && port !== 0; index += 1) {
      wanted.push([`${name}-${index + 1}`, port + index, `services.${name}.port`]);
    }
  }
  const problems: string[] = [];
  for (const [owner, port, path] of wanted) {
    const reason = port === 0 ? undefined : await whyTaken(topology.host, port);
    if (reason === undefined) continue;
    const address = addressText(topology.host, port);
    problems.push(
      reason === 'EADDRINUSE'
        ? `${address}, wanted for ${owner}, is taken by another process; end it, or set ${path} in ${topology.file} to another port or 0`
        : `${owner} cannot listen on ${address} (${reason}); change ${path} or host in ${topology.file}`,
    );
  }
  if (problems.length > 0) throw new OrchestratorError(problems.join('\n'));
}
