import { addressText } from '@weft/proto';
import { PortError } from './errors.ts';
import { whyTaken } from './process/ports.ts';
import type { ChosenStore } from './store-choice.ts';
import { type FixedPort, fixedPorts, portProblems } from './topology/fixed-ports.ts';
import type { Topology } from './topology/topology.ts';

async function assertFree({ host, file }: Topology, ports: readonly FixedPort[]): Promise<void> {
  const problems: string[] = [];
  for (const { owner, port, path } of ports) {
    const reason = await whyTaken(host, port);
    if (reason === undefined) continue;
    const address = addressText({ host, port });
    const setting = path.join('.');
    problems.push(
      reason === 'EADDRINUSE'
        ? `${address}, wanted for ${owner}, is taken by another process; end it, or set ${setting} in ${file} to another port or 0`
        : `${owner} cannot listen on ${address} (${reason}); change ${setting} or host in ${file}`,
    );
  }
  if (problems.length > 0) throw new PortError(problems.join('\n'));
}

/**
 * Checks, before anything starts, that every fixed port of the mesh is free.
 * @param running Slots that have a process already, whose ports are not looked at.
 * @throws PortError naming each one that is not, and whose it was to be.
 */
export async function checkPorts(
  topology: Topology,
  store: ChosenStore,
  running: ReadonlySet<string>,
): Promise<void> {
  const isStarted = ({ slot }: FixedPort) => slot !== 'etcd' || store.kind === 'own-etcd';
  const ports = fixedPorts(topology).filter(isStarted);
  await assertFree(
    topology,
    ports.filter(({ slot }) => !running.has(slot)),
  );
}

/** A change of how many instances a service has. */
export interface Scaling {
  readonly service: string;
  readonly count: number;
  /** How many instances a service is to have now. */
  readonly wantedOf: (service: string) => number;
}

/**
 * Checks, before a service is scaled, the fixed ports that it needs more: what weft.yaml gives to
 * others stays theirs, running or not.
 * @throws PortError naming each one that does not exist, is another process's or is taken.
 */
export async function checkScaling(
  topology: Topology,
  { service, count, wantedOf }: Scaling,
): Promise<void> {
  const present = wantedOf(service);
  const isAdded = ({ owner }: FixedPort) =>
    owner.startsWith(`${service}-`) && Number(owner.slice(service.length + 1)) > present;
  const after = fixedPorts(topology, (name, inFile) =>
    name === service ? count : Math.max(inFile, wantedOf(name)),
  );
  const problems = portProblems(after).map(
    ({ path, owner, reason }) =>
      `${owner} has no port: ${path.join('.')} in ${topology.file}: ${reason}; set it to another port or 0`,
  );
  if (problems.length > 0) throw new PortError(problems.join('\n'));
  await assertFree(topology, after.filter(isAdded));
}
