import { OrchestratorError } from '../errors.ts';
import { leftoversOf } from '../leftovers.ts';
import type { MeshFolder } from '../mesh-folder.ts';
import { weftCommand } from '../output/weft-command.ts';
import { isAlive } from '../process/process-identity.ts';
import { type MeshState, readState } from '../state-file.ts';

/** The state of the mesh that is up in a folder; undefined when none is. */
export function liveState(folder: MeshFolder): MeshState | undefined {
  const state = readState(folder.stateFile);
  return state && isAlive(state.orchestrator) ? state : undefined;
}

/** Where the registry of a folder answers, be it that its orchestrator is gone; undefined when none runs. */
export function runningRegistry(folder: MeshFolder): string | undefined {
  const state = readState(folder.stateFile);
  if (state === undefined) return undefined;
  const isLeft = () => leftoversOf(state).some(({ name }) => name === 'registry');
  return isAlive(state.orchestrator) || isLeft() ? state.registry : undefined;
}

/** Why no orchestrator can be asked, and what still runs where one was killed. */
export function notUp(folder: MeshFolder): OrchestratorError {
  const state = readState(folder.stateFile);
  const left = state === undefined ? [] : leftoversOf(state);
  const up = `\`${weftCommand('up')}\``;
  if (left.length === 0) {
    return new OrchestratorError(`no mesh is up in ${folder.path}: start one with ${up}.`);
  }
  return new OrchestratorError(
    [
      `weft up (pid ${state?.orchestrator.pid}) is gone, so nothing is supervised or started again; what still runs of it:`,
      ...left.map(({ name, pid }) => `  ${name} (pid ${pid})`),
      `Take this over with ${up}, or end it with \`${weftCommand('down')}\`.`,
    ].join('\n'),
  );
}
