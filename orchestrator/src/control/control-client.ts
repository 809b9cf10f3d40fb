import { clientTransport } from '@weft/proto';
import {
  type OrchestratorServiceClient,
  OrchestratorServiceDefinition,
} from '@weft/proto/orchestrator';
import { ClientError, createChannel, createClient } from 'nice-grpc';
import { OrchestratorError } from '../errors.ts';
import type { MeshFolder } from '../mesh-folder.ts';
import { isAlive } from '../process/process-identity.ts';
import { type MeshState, readState } from '../state-file.ts';

/** The state of the mesh that is up in a folder; undefined when none is. */
export function liveState(folder: MeshFolder): MeshState | undefined {
  const state = readState(folder.stateFile);
  return state && isAlive(state.orchestrator) ? state : undefined;
}

/**
 * Asks the orchestrator of a folder one thing.
 * @throws OrchestratorError when no mesh is up there, or with what the orchestrator answered.
 */
export async function askOrchestrator<Answer>(
  folder: MeshFolder,
  ask: (client: OrchestratorServiceClient, state: MeshState) => Promise<Answer>,
): Promise<Answer> {
  const state = liveState(folder);
  if (state === undefined) {
    throw new OrchestratorError(`no mesh is up in ${folder.path}: start one with \`weft up\`.`);
  }
  const channel = createChannel(state.control, undefined, clientTransport);
  try {
    return await ask(createClient(OrchestratorServiceDefinition, channel), state);
  } catch (error) {
    if (error instanceof ClientError) throw new OrchestratorError(error.details);
    throw error;
  } finally {
    channel.close();
  }
}
