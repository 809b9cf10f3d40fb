import { rmSync } from 'node:fs';
import { OrchestratorError } from '../errors.ts';
import { Orchestrator } from '../orchestrator.ts';
import { printNews } from '../output/terminal.ts';
import { openOwnLog } from '../own-log.ts';
import { type ChosenStore, chooseStore } from '../store-choice.ts';
import type { Supervisor } from '../supervisor.ts';
import { createTemporaryMeshFolder, endAbandonedMeshes } from '../temporary-meshes.ts';
import { apartTopology } from '../topology/apart-topology.ts';
import type { Topology } from '../topology/topology.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { storeNews } from './up.ts';

/** A mesh to use up. */
export interface ApartOptions {
  readonly topology: Topology;
  /** Of each service, when it has started. */
  readonly instances: number;
  /** What it is for, such as "demo". */
  readonly purpose: string;
}

/**
 * Runs `use` on a mesh of its own: on free ports, its data in a folder that is removed. Everything is
 * stopped afterwards, whatever happens; if `weft` itself is killed, by the next run or `weft doctor`.
 * @throws OrchestratorError when it does not start, or a signal interrupts it; what `use` throws
 */
export async function onMeshApart<Result>(
  { topology, instances, purpose }: ApartOptions,
  use: (supervisor: Supervisor, store: ChosenStore) => Promise<Result>,
): Promise<Result> {
  // An etcd that others use holds their instances: this one takes one of its own.
  const env = { ...process.env, ETCD_ENDPOINTS: '' };
  const store = chooseStore(topology.registry.store, { env });
  const ended = await endAbandonedMeshes();
  if (ended.length > 0) printNews(`ended what a killed weft left running: ${ended.join(', ')}`);
  const folder = createTemporaryMeshFolder(purpose);
  const orchestrator = new Orchestrator({
    topology: apartTopology(topology, instances),
    folder,
    store,
    log: openOwnLog(folder.ownLog),
    onNews: printNews,
  });
  const signals = stopOnSignals(orchestrator);
  try {
    printNews(storeNews(store));
    printNews(
      `starting the mesh of ${topology.file} on free ports, its data in ${folder.path} ...`,
    );
    if (!(await orchestrator.start())) throw new OrchestratorError('stopped');
    return await use(orchestrator.supervisor, store);
  } catch (error) {
    throw signals.isStopping() ? new OrchestratorError(`weft ${purpose} was interrupted`) : error;
  } finally {
    await orchestrator.stop();
    signals.dispose();
    rmSync(folder.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
