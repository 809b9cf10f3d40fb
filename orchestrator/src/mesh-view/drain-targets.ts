import { nameHint } from '@weft/proto';
import { type Instance, InstanceStatus } from '@weft/proto/registry';
import { OrchestratorError } from '../errors.ts';

/**
 * The instances that are meant: one by its id or the beginning of it, or all.
 * @throws OrchestratorError if none or several begin with `id`
 */
export function chosenInstances<Identified extends { readonly id: string }>(
  service: string,
  instances: readonly Identified[],
  id: string | undefined,
): readonly Identified[] {
  if (id === undefined) return instances;
  const exact = instances.filter((instance) => instance.id === id);
  const found = exact.length > 0 ? exact : instances.filter((each) => each.id.startsWith(id));
  if (found.length === 1) return found;
  if (found.length > 0) {
    const ids = found.map((instance) => instance.id).join(', ');
    throw new OrchestratorError(`'${id}' may be any of ${ids}: say which`);
  }
  const hint = nameHint(
    id,
    instances.map((instance) => instance.id),
  );
  throw new OrchestratorError(`${service} has no instance '${id}'; ${hint}`);
}

export interface DrainTargets {
  /** Whose status is to change. */
  readonly change: readonly Instance[];
  /** Who has it already. */
  readonly done: readonly Instance[];
  /** Who takes no calls for another reason, and is left as it is. */
  readonly other: readonly Instance[];
}

/** Who is to drain: RUNNING becomes STOPPING; undone, the other way round. */
export function drainTargets(instances: readonly Instance[], isUndo: boolean): DrainTargets {
  const { INSTANCE_STATUS_RUNNING: running, INSTANCE_STATUS_STOPPING: stopping } = InstanceStatus;
  const [from, to] = isUndo ? [stopping, running] : [running, stopping];
  return {
    change: instances.filter(({ status }) => status === from),
    done: instances.filter(({ status }) => status === to),
    other: instances.filter(({ status }) => status !== from && status !== to),
  };
}
