import { describe, expect, it } from '@jest/globals';
import { FAULT_KINDS, faultScript } from '../../soak/faults/fault-script.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const options = { durationMs: 600_000, replicas: 3, everyMs: 3000 };

describe('faultScript', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(faultScript(seededRandom(7), options)).toEqual(faultScript(seededRandom(7), options));
    expect(faultScript(seededRandom(7), options)).not.toEqual(
      faultScript(seededRandom(8), options),
    );
  });

  it('has every kind and every replica, in time and in order', () => {
    const faults = faultScript(seededRandom(7), options);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    expect(new Set(faults.map(({ replica }) => replica))).toEqual(new Set([0, 1, 2]));
    const times = faults.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times.at(-1)).toBeLessThan(600_000);
    for (const { forMs } of faults) expect(forMs).toBeLessThanOrEqual(3000);
  });

  it('gives each kind its turn before any has a second one', () => {
    const first = faultScript(seededRandom(9), options).slice(0, FAULT_KINDS.length);
    expect(new Set(first.map(({ kind }) => kind)).size).toBe(FAULT_KINDS.length);
  });
});
