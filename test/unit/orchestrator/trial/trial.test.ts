import { describe, expect, it } from '@jest/globals';
import type { TrialCall } from '../../../../orchestrator/src/topology/topology.ts';
import { Trial, type TrialService } from '../../../../orchestrator/src/trial/trial.ts';
import type { TrialMesh } from '../../../../orchestrator/src/trial/trial-mesh.ts';
import { type TrialStep, trialFindings } from '../../../../orchestrator/src/trial/trial-step.ts';

const list: TrialCall = { call: 'List', request: {}, needs: [] };
const create: TrialCall = { call: 'Create', request: {}, needs: ['users'] };
const pay: TrialCall = { call: 'Pay', request: {}, needs: ['orders'] };

const shop: TrialService[] = [
  { name: 'users', dependencies: [], verify: [] },
  { name: 'orders', dependencies: ['users'], verify: [list, create] },
  { name: 'payments', dependencies: ['orders'], verify: [pay] },
];

/** What the services of `ModelMesh` do wrong. */
interface Flaws {
  /** Do not start before what they depend on. */
  cannotStart?: readonly string[];
  /** Are unwell, or end and start again, while a dependency is down. */
  unwell?: readonly string[];
  restarts?: readonly string[];
  /** How a call ends while `down` is down. */
  ends?: (call: TrialCall, down: readonly string[]) => string | undefined;
}

/** A mesh whose services are sound but for the flaws they are given. */
class ModelMesh implements TrialMesh {
  readonly up = new Set<string>();
  readonly log: string[] = [];
  readonly #flaws: Flaws;

  constructor(flaws: Flaws) {
    this.#flaws = flaws;
  }

  get #down(): string[] {
    return shop.map(({ name }) => name).filter((name) => !this.up.has(name));
  }

  async start(service: string) {
    this.log.push(`start ${service}`);
    const isAlone = shop.some(
      ({ name, dependencies }) => name === service && dependencies.some((d) => !this.up.has(d)),
    );
    this.up.add(service);
    return isAlone && this.#flaws.cannotStart?.includes(service) ? 'it crashed' : undefined;
  }

  async settle(service: string) {
    this.log.push(`settle ${service}`);
  }

  async stop(service: string) {
    this.log.push(`stop ${service}`);
    this.up.delete(service);
  }

  async isHealthy(service: string) {
    return !(this.#flaws.unwell?.includes(service) && this.#down.length > 0);
  }

  runOf(service: string) {
    return this.#flaws.restarts?.includes(service) && this.#down.length > 0 ? '2' : '1';
  }

  async call(_service: string, call: TrialCall) {
    const ended = this.#flaws.ends?.(call, this.#down);
    return ended ?? (call.needs.some((name) => !this.up.has(name)) ? 'UNAVAILABLE' : 'OK');
  }
}

async function tryShop(flaws: Flaws) {
  const mesh = new ModelMesh(flaws);
  const steps: TrialStep[] = [];
  const trial = new Trial({
    services: shop,
    mesh,
    onStep: (step) => steps.push(step),
    pauseMs: 1,
    settleMs: 5,
  });
  await trial.starts();
  await trial.baseline();
  await trial.outages();
  return { steps, findings: trialFindings(steps), log: mesh.log };
}

describe('a trial', () => {
  it('starts each service before what it needs, then stops these one at a time', async () => {
    const { log, steps, findings } = await tryShop({});
    expect(findings).toEqual([]);
    expect(log).toEqual([
      ...['start payments', 'start orders', 'start users'],
      ...['stop users', 'start users', 'stop orders'],
    ]);
    expect(steps.map(({ message }) => message).sort()).toEqual([
      'Create of orders ends UNAVAILABLE while users is down',
      'List of orders ends OK while users is down',
      'Pay of payments ends OK while users is down',
      'Pay of payments ends UNAVAILABLE while orders is down',
      'orders starts while users is down',
      'orders stays healthy while users is down',
      'payments starts while orders is down',
      'payments stays healthy while orders is down',
      'payments stays healthy while users is down',
    ]);
  });

  it('names who does not start without its dependencies, and goes on once it has', async () => {
    const { findings, log } = await tryShop({ cannotStart: ['orders'] });
    expect(findings).toEqual([
      {
        rule: 'autonomous-start',
        services: ['orders', 'users'],
        message: 'orders does not start while users is down: it crashed',
      },
    ]);
    expect(log.slice(0, 5)).toEqual([
      ...['start payments', 'start orders', 'start users', 'settle orders', 'stop users'],
    ]);
  });

  it.each([
    [{ unwell: ['orders'] }, 'orders is not SERVING any more while users is down'],
    [{ restarts: ['orders'] }, 'orders ended, and was started again, while users is down'],
  ])('names who is not healthy without one: %j', async (flaws, message) => {
    const { findings } = await tryShop(flaws);
    expect(findings).toEqual([
      { rule: 'autonomous-health', services: ['orders', 'users'], message },
    ]);
  });

  it.each<[string, Flaws['ends'], string[], string]>([
    [
      'fails though it needs nobody',
      (call, down) => (call === list && down.length > 0 ? 'UNAVAILABLE' : undefined),
      ['orders', 'users'],
      'List of orders ends UNAVAILABLE while users is down, where it should end OK as it does else: it does not need users',
    ],
    [
      'goes on though it needs somebody',
      (call) => (call === create ? 'OK' : undefined),
      ['orders', 'users'],
      'Create of orders ends OK while users is down, where it should end UNAVAILABLE',
    ],
    [
      'fails otherwise than it should',
      (call, down) => (call === pay && down.includes('orders') ? 'INTERNAL' : undefined),
      ['payments', 'orders'],
      'Pay of payments ends INTERNAL while orders is down, where it should end UNAVAILABLE',
    ],
    [
      'tells nothing',
      (call) => (call === list ? 'UNIMPLEMENTED' : undefined),
      ['orders'],
      'List of orders ends UNIMPLEMENTED with everything up, so it tells nothing: mend `verify` in weft.yaml',
    ],
  ])('names a call that %s', async (_what, ends, services, message) => {
    const { findings } = await tryShop({ ends });
    expect(findings).toEqual([{ rule: 'autonomous-calls', services, message }]);
  });

  it('gives a call time to end as it should', async () => {
    let calls = 0;
    const late = (call: TrialCall, down: readonly string[]) => {
      if (call !== create || !down.includes('users')) return undefined;
      calls += 1;
      return calls < 3 ? 'DEADLINE_EXCEEDED' : undefined;
    };
    const { findings } = await tryShop({ ends: late });
    expect(findings).toEqual([]);
  });
});
