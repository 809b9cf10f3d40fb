import type { Arm } from './rounds.ts';
import type { Stage } from './stage.ts';

/** A process for measures without a network, of one arm alone. */
export const MICRO = 'processes/micro.ts';

/** An arm whose process answers one figure to one question. */
export function microArm(
  stage: Stage,
  name: string,
  metric: string,
  command: string,
  argument: unknown,
): Arm {
  const worker = stage.start(MICRO);
  return {
    name,
    measure: async () => ({ [metric]: await worker.ask<number>(command, argument) }),
  };
}
