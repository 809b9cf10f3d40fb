import { createMesh } from '@weft/client-sdk';
import type { LiveFacts } from '../architecture/live-facts.ts';
import { readLive, readLiveCalls } from '../architecture/read-live.ts';
import type { Supervisor } from '../supervisor.ts';
import type { ServiceSpec } from '../topology/topology.ts';
import { SupervisedMesh } from './supervised-mesh.ts';
import { Trial } from './trial.ts';
import type { TrialStep } from './trial-step.ts';

/** Longer than any call should take, on a busy machine too. */
const CALL_DEADLINE_MS = 10_000;

/** What a trial brought to light. */
export interface TrialResult {
  readonly steps: readonly TrialStep[];
  /** The mesh as it was with everything up, and all calls made meanwhile. */
  readonly live: LiveFacts;
}

/**
 * Tries the autonomy of every service on a mesh that is up without any.
 * @throws OrchestratorError when a service does not start with everything up, or the mesh is stopped
 */
export async function runTrial(
  supervisor: Supervisor,
  services: readonly ServiceSpec[],
  onStep: (step: TrialStep) => void,
): Promise<TrialResult> {
  const registry = supervisor.registryAddress;
  const mesh = createMesh({ registry, defaultDeadlineMs: CALL_DEADLINE_MS });
  const steps: TrialStep[] = [];
  const trial = new Trial({
    services,
    mesh: new SupervisedMesh(supervisor, services, mesh),
    onStep(step) {
      steps.push(step);
      onStep(step);
    },
  });
  try {
    await trial.starts();
    await trial.baseline();
    const live = await readLive(registry);
    await trial.outages();
    // Services report their calls every other second: by now what they did before is told.
    const later = await readLiveCalls(registry);
    return { steps, live: { ...live, calls: [...live.calls, ...later] } };
  } finally {
    mesh.close();
  }
}
