import { join } from 'node:path';
import { askOrchestrator } from '../../orchestrator/src/control/control-client.ts';
import { meshFolder } from '../../orchestrator/src/mesh-folder.ts';
import { statusJson } from '../../orchestrator/src/output/status-json.ts';
import { jsonText } from '../../orchestrator/src/output/terminal.ts';

/** One process that `weft up` supervises. */
export interface SupervisedProcess {
  readonly name: string;
  readonly pid: number;
  readonly instanceId: string;
  readonly address: string;
  readonly state: string;
  readonly healthy: boolean;
  readonly restarts: number;
  readonly lastExit: string;
}

/** What `weft status --json` prints. */
export interface MeshStatus {
  readonly services: readonly {
    readonly name: string;
    readonly desiredInstances: number;
    readonly processes: readonly SupervisedProcess[];
    readonly scaling?: { readonly load?: number; readonly inFlight?: number };
  }[];
  readonly store: string;
}

/** The status of the mesh that is up in a folder, asked from here: it can be asked often, as no process starts for it. */
export async function meshStatusOf(folder: string): Promise<MeshStatus> {
  const status = await askOrchestrator(meshFolder(join(folder, '.weft')), (client) =>
    client.getStatus({}),
  );
  return JSON.parse(jsonText(statusJson(status)));
}

/** The processes of one service of it, or of all and the registry. */
export async function processesOf(folder: string, service?: string): Promise<SupervisedProcess[]> {
  const { services } = await meshStatusOf(folder);
  const chosen = services.filter(({ name }) => service === undefined || name === service);
  return chosen.flatMap(({ processes }) => processes);
}
