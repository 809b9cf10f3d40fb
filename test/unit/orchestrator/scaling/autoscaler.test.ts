import { describe, expect, it } from '@jest/globals';
import { Autoscaler } from '../../../../orchestrator/src/scaling/autoscaler.ts';
import type { ScaleSpec } from '../../../../orchestrator/src/topology/topology.ts';

const COOLDOWN_MS = 60_000;
const spec: ScaleSpec = {
  min: 2,
  max: 20,
  target: { kind: 'inFlight', value: 10 },
  cooldownMs: COOLDOWN_MS,
};

describe('Autoscaler', () => {
  it('grows at once to as many as bear the load at their target', () => {
    expect(new Autoscaler(spec, 2, 0).decide(45, 2, 1000)).toBe(5);
  });

  it('leaves a service alone whose load is near its target', () => {
    const autoscaler = new Autoscaler(spec, 4, 0);
    expect(autoscaler.decide(43.9, 4, COOLDOWN_MS + 1)).toBe(4);
    expect(autoscaler.decide(36.1, 4, 2 * COOLDOWN_MS + 2)).toBe(4);
    expect(autoscaler.decide(44.1, 4, 2 * COOLDOWN_MS + 3)).toBe(5);
  });

  it('grows by no more than itself, or four, in a step, and never beyond its bounds', () => {
    const autoscaler = new Autoscaler(spec, 2, 0);
    expect(autoscaler.decide(1000, 2, 1)).toBe(6);
    expect(autoscaler.decide(1000, 6, 2)).toBe(12);
    expect(autoscaler.decide(1000, 12, 3)).toBe(20);
    expect(autoscaler.decide(1000, 20, 4)).toBe(20);
  });

  it('shrinks only when fewer were enough for the whole cool-down, and then to the most needed in it', () => {
    const autoscaler = new Autoscaler(spec, 8, 0);
    for (let at = 1000; at < COOLDOWN_MS; at += 1000) {
      expect(autoscaler.decide(at === 30_000 ? 48 : 25, 8, at)).toBe(8);
    }
    expect(autoscaler.decide(25, 8, COOLDOWN_MS)).toBe(5);
    expect(autoscaler.decide(25, 5, COOLDOWN_MS + 29_999)).toBe(5);
    expect(autoscaler.decide(25, 5, COOLDOWN_MS + 30_000)).toBe(3);
  });

  it('does not flap with a load that comes and goes within the cool-down', () => {
    const autoscaler = new Autoscaler(spec, 2, 0);
    const counts: number[] = [];
    let current = 2;
    for (let at = 0; at < 20 * COOLDOWN_MS; at += 5000) {
      current = autoscaler.decide(Math.floor(at / 40_000) % 2 === 0 ? 60 : 5, current, at);
      counts.push(current);
    }
    expect([...new Set(counts)]).toEqual([6]);
  });

  it('falls to its fewest without any load', () => {
    const autoscaler = new Autoscaler(spec, 8, 0);
    expect(autoscaler.decide(0, 8, COOLDOWN_MS)).toBe(2);
  });

  it('keeps a number set by hand for the cool-down, unless more are needed', () => {
    const autoscaler = new Autoscaler(spec, 2, 0);
    autoscaler.set(6, 2 * COOLDOWN_MS);
    expect(autoscaler.decide(5, 6, 3 * COOLDOWN_MS - 1)).toBe(6);
    expect(autoscaler.decide(75, 6, 3 * COOLDOWN_MS - 1)).toBe(8);
    autoscaler.set(2, 3 * COOLDOWN_MS);
    expect(autoscaler.decide(5, 2, 3 * COOLDOWN_MS)).toBe(2);
  });
});
