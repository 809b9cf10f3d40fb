import { expect, it } from '@jest/globals';
import { LeaseRenewals } from '../../../../registry/src/http/lease-renewals.ts';
import { storedInstance } from '../fixtures.ts';

it('knows how long ago leases were renewed', () => {
  let now = 0;
  const renewals = new LeaseRenewals({ size: 1, ofLease: () => storedInstance() }, () => now);
  renewals.note(7n);
  now = 3000;
  renewals.note(8n);
  expect(renewals.latest(1000)).toEqual([[8n, 0]]);
  expect(renewals.latest(5000)).toEqual([
    [7n, 3000],
    [8n, 0],
  ]);
});

it('forgets leases that have ended before they are many', () => {
  const ofLease = (id: bigint) => (id === 1n ? storedInstance() : undefined);
  const renewals = new LeaseRenewals({ size: 1, ofLease });
  for (let id = 1n; id <= 5000n; id += 1n) renewals.note(id);
  expect(renewals.size).toBeLessThan(1100);
  expect(renewals.latest(60_000).map(([id]) => id)).toContain(1n);
});
