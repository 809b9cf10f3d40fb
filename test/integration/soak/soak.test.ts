import { expect, it } from '@jest/globals';
import { reportText } from '../../soak/report.ts';
import { runSoak } from '../../soak/soak.ts';
import { describeWith } from '../../support/tools.ts';

describeWith(['etcd', 'etcdctl'], 'the registry under faults', () => {
  it('F11 F12 F13 F20 F24: loses, doubles and invents nothing, and all agree in the end', async () => {
    const result = await runSoak({
      seed: 7,
      durationMs: 22_000,
      faultEveryMs: 1000,
      registrars: 12,
      watchers: 6,
      graceMs: 3000,
    });
    if (result.findings.length > 0) throw new Error(reportText(result));
    // A run in which nothing happened would find nothing either.
    const { figures, faults } = result;
    expect(Object.keys(faults).length).toBeGreaterThanOrEqual(10);
    expect(figures.drains).toBeGreaterThan(0);
    expect(figures.writes).toBeGreaterThan(50);
    expect(figures.events).toBeGreaterThan(100);
    expect(figures.streams).toBeGreaterThan(20);
  }, 240_000);
});
