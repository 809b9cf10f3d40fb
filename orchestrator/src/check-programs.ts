import { ProgramError } from './errors.ts';
import { programFault } from './process/program.ts';
import type { Topology } from './topology/topology.ts';

/**
 * Checks, before anything starts, that the command of every service can run.
 * @param running Slots that have a process already; services with one of them are not checked.
 * @throws ProgramError naming each one that cannot, and why
 */
export function checkPrograms(
  { services, file, folder }: Topology,
  running: ReadonlySet<string>,
): void {
  const problems = services.flatMap(({ name, command, environment, instances }) => {
    const isRunning = [...running].some((slot) => slot.replace(/-\d+$/, '') === name);
    if (instances === 0 || isRunning) return [];
    const fault = programFault({ command, folder, environment });
    return fault === undefined ? [] : [`services.${name}.command in ${file}: ${fault}`];
  });
  if (problems.length > 0) throw new ProgramError(problems.join('\n'));
}
