import type { ScaleSpec } from '../topology/topology.ts';

/** A load this near to the target is on target: 10 %, as Kubernetes has it. */
const TOLERANCE = 0.1;
/** In one step a service grows to twice its size, or by this many instances, whichever is more. */
const LEAST_GROWTH = 4;

interface Need {
  readonly at: number;
  readonly count: number;
}

/**
 * Decides how many instances a service should have: those that bear what all bear now, with each at its
 * target. More at once, fewer only when no more were needed for all of the cool-down. After the
 * HorizontalPodAutoscaler of Kubernetes ("Algorithm details" and "Stabilization window" in its
 * documentation). Pure; times are monotonic, in ms.
 */
export class Autoscaler {
  readonly #spec: ScaleSpec;
  /** What was needed within the cool-down, each less than the one before it. */
  #needs: Need[] = [];

  /** @param current instances it has; the cool-down begins */
  constructor(spec: ScaleSpec, current: number, now: number) {
    this.#spec = spec;
    this.set(current, now);
  }

  /**
   * @param load of all instances together, in the unit of the target
   * @param current instances it has, 1 or more
   */
  decide(load: number, current: number, now: number): number {
    const { min, max, target } = this.#spec;
    const isOnTarget = Math.abs(load / (current * target.value) - 1) <= TOLERANCE;
    const needed = isOnTarget ? current : Math.ceil(load / target.value);
    const count = Math.min(max, Math.max(min, needed));
    this.#note({ at: now, count });
    if (count > current) return Math.min(count, Math.max(2 * current, current + LEAST_GROWTH));
    const most = this.#needs[0]?.count ?? count;
    return Math.min(max, Math.max(min, Math.min(current, most)));
  }

  /** Someone set the number by hand: no fewer for the length of the cool-down. */
  set(count: number, now: number): void {
    this.#needs = [];
    this.#note({ at: now, count });
  }

  #note(need: Need): void {
    const since = need.at - this.#spec.cooldownMs;
    this.#needs = this.#needs.filter(({ at, count }) => at > since && count > need.count);
    this.#needs.push(need);
  }
}
