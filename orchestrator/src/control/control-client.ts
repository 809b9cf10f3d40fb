import {
  type OrchestratorServiceClient,
  OrchestratorServiceDefinition,
} from '@weft/proto/orchestrator';
import { clientTransport } from '@weft/proto/transport';
import { ClientError, createChannel, createClient, Metadata } from 'nice-grpc';
import { OrchestratorError } from '../errors.ts';
import type { MeshFolder } from '../mesh-folder.ts';
import type { MeshState } from '../state-file.ts';
import { liveState, notUp } from './live-state.ts';

/** The metadata by which a command shows that it has read the state file. */
function secretMetadata(secret: string): Metadata {
  return Metadata({ authorization: `Bearer ${secret}` });
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
  if (state === undefined) throw notUp(folder);
  const channel = createChannel(state.control, undefined, clientTransport);
  try {
    const client = createClient(OrchestratorServiceDefinition, channel, {
      '*': { metadata: secretMetadata(state.secret ?? '') },
    });
    return await ask(client, state);
  } catch (error) {
    if (error instanceof ClientError) throw new OrchestratorError(error.details);
    throw error;
  } finally {
    channel.close();
  }
}
