import type { Scaling } from '@weft/proto/orchestrator';

/** What an instance bears and is to bear: `14.2 of 10 in flight`, `0.61 of 0.5 cores`. */
export function loadText({ load, inFlight, cpu = 0 }: Scaling): string {
  const [target, digits, unit] =
    inFlight === undefined ? [cpu, 2, 'cores'] : [inFlight, 1, 'in flight'];
  return `${load === undefined ? '?' : load.toFixed(digits)} of ${target} ${unit}`;
}

/** How many instances there may be: `2 to 6`. */
export function boundsText({ minInstances, maxInstances }: Scaling): string {
  return `${minInstances} to ${maxInstances}`;
}
