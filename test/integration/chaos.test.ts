import { expect, it } from '@jest/globals';
import { runChaos } from '../chaos/chaos.ts';

it('every call in the chaos ends as the model allows', async () => {
  const options = { seed: 20_261_201, durationMs: 20_000, callsPerSecond: 40 };
  const { calls, kills, statuses, violations } = await runChaos(options);
  expect(violations).toEqual([]);
  expect(kills).toBeGreaterThan(0);
  expect(calls).toBeGreaterThan(500);
  expect(statuses.OK).toBeGreaterThan(calls / 2);
}, 90_000);
