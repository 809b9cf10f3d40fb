import { setTimeout as sleep } from 'node:timers/promises';
import { dependencyLevels } from '../topology/dependency-levels.ts';
import type { ServiceSpec, TrialCall } from '../topology/topology.ts';
import type { TrialMesh } from './trial-mesh.ts';
import type { TrialStep } from './trial-step.ts';

/** A service as a trial sees it. */
export type TrialService = Pick<ServiceSpec, 'name' | 'dependencies' | 'verify'>;

export interface TrialOptions {
  readonly services: readonly TrialService[];
  readonly mesh: TrialMesh;
  /** Told each thing that was tried. */
  readonly onStep: (step: TrialStep) => void;
  /** How often a service is asked for its health while a dependency is down. Default 3. */
  readonly healthLooks?: number;
  /** Between two of them, and between two attempts of a call. Default 400. */
  readonly pauseMs?: number;
  /** How long a call may end otherwise than it should, as who calls has to hear of changes. Default 10,000. */
  readonly settleMs?: number;
}

/** How a call ends that the service answered, whatever the answer: what it needed was there. */
const ANSWERED = [
  'OK',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
];

/** The services that need `name`, be it by way of others. */
function dependentsOf(name: string, services: readonly TrialService[]): TrialService[] {
  const found = new Set<TrialService>();
  const visit = (needed: string) => {
    for (const service of services) {
      if (found.has(service) || !service.dependencies.includes(needed)) continue;
      found.add(service);
      visit(service.name);
    }
  };
  visit(name);
  return [...found];
}

/**
 * Tries on a mesh whose services are down whether each can do without its dependencies: `starts`, then
 * `baseline`, then `outages`.
 */
export class Trial {
  readonly #options: Required<TrialOptions>;
  /** How each call ended with everything up. */
  readonly #usual = new Map<TrialCall, string>();

  constructor(options: TrialOptions) {
    this.#options = { healthLooks: 3, pauseMs: 400, settleMs: 10_000, ...options };
  }

  /**
   * Starts every service before what it depends on; all are up afterwards.
   * @throws what `settle` does: a service does not start with everything up either
   */
  async starts(): Promise<void> {
    const { services, mesh } = this.#options;
    const late: string[] = [];
    for (const level of dependencyLevels(services).toReversed()) {
      await Promise.all(
        level.map(async ({ name, dependencies }) => {
          const problem = await mesh.start(name);
          if (problem !== undefined) late.push(name);
          if (dependencies.length === 0) return;
          const isHeld = problem === undefined;
          const without = `while ${dependencies.join(' and ')} ${dependencies.length > 1 ? 'are' : 'is'} down`;
          const message = isHeld
            ? `${name} starts ${without}`
            : `${name} does not start ${without}: ${problem}`;
          this.#tell({
            rule: 'autonomous-start',
            service: name,
            down: dependencies,
            isHeld,
            message,
          });
        }),
      );
    }
    for (const name of late) await mesh.settle(name);
  }

  /** Makes every call once with everything up, to know how it ends. */
  async baseline(): Promise<void> {
    for (const { name, verify } of this.#options.services) {
      for (const call of verify) {
        const status = await this.#ending(name, call, (ended) => ANSWERED.includes(ended));
        this.#usual.set(call, status);
        if (ANSWERED.includes(status)) continue;
        this.#tell({
          rule: 'autonomous-calls',
          service: name,
          down: [],
          isHeld: false,
          message: `${call.call} of ${name} ends ${status} with everything up, so it tells nothing: mend \`verify\` in weft.yaml`,
        });
      }
    }
  }

  /** Stops each service that others need, one at a time, and looks how those do. The last one stays down. */
  async outages(): Promise<void> {
    const { services, mesh } = this.#options;
    const needed = services.filter(({ name }) => dependentsOf(name, services).length > 0);
    for (const [index, { name }] of needed.entries()) {
      const dependents = dependentsOf(name, services);
      const runs = dependents.map((service) => mesh.runOf(service.name));
      await mesh.stop(name);
      await Promise.all(
        dependents.map((service, at) => this.#without(name, service, runs[at] ?? '')),
      );
      if (index === needed.length - 1) return;
      const problem = await mesh.start(name);
      if (problem !== undefined) await mesh.settle(name);
    }
  }

  async #without(down: string, service: TrialService, run: string): Promise<void> {
    await Promise.all([
      this.#staysHealthy(down, service.name, run),
      ...service.verify.map((call) => this.#callGoesOn(down, service.name, call)),
    ]);
  }

  async #staysHealthy(down: string, service: string, run: string): Promise<void> {
    const { mesh, healthLooks, pauseMs } = this.#options;
    let problem = '';
    for (let look = 0; look < healthLooks && problem === ''; look += 1) {
      if (look > 0) await sleep(pauseMs);
      if (!(await mesh.isHealthy(service))) problem = 'is not SERVING any more';
      if (mesh.runOf(service) !== run) problem = 'ended, and was started again,';
    }
    const message = `${service} ${problem || 'stays healthy'} while ${down} is down`;
    const isHeld = problem === '';
    this.#tell({ rule: 'autonomous-health', service, down: [down], isHeld, message });
  }

  async #callGoesOn(down: string, service: string, call: TrialCall): Promise<void> {
    const usual = this.#usual.get(call) ?? '';
    // What tells nothing has been told of.
    if (!ANSWERED.includes(usual)) return;
    const isNeeded = call.needs.includes(down);
    const wanted = isNeeded ? 'UNAVAILABLE' : usual;
    const status = await this.#ending(service, call, (ended) => ended === wanted);
    const isHeld = status === wanted;
    const should = isHeld
      ? ''
      : `, where it should end ${wanted}${isNeeded ? '' : ` as it does else: it does not need ${down}`}`;
    const message = `${call.call} of ${service} ends ${status} while ${down} is down${should}`;
    this.#tell({ rule: 'autonomous-calls', service, down: [down], isHeld, message });
  }

  /** How a call ends: the first time as it should, or the last time that it does not. */
  async #ending(
    service: string,
    call: TrialCall,
    isRight: (status: string) => boolean,
  ): Promise<string> {
    const { mesh, pauseMs, settleMs } = this.#options;
    const endMs = performance.now() + settleMs;
    for (;;) {
      const status = await mesh.call(service, call);
      if (isRight(status) || performance.now() >= endMs) return status;
      await sleep(pauseMs);
    }
  }

  #tell(step: TrialStep): void {
    this.#options.onStep(step);
  }
}
