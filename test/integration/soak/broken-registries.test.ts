import { expect, it } from '@jest/globals';
import { registryCommand, runSoak } from '../../soak/soak.ts';
import type { FindingKind } from '../../soak/verify/finding.ts';
import { describeWith } from '../../support/tools.ts';

const DEFECTS = ['lossy', 'doubling', 'emptying'];

describeWith(['etcd', 'etcdctl'], 'the checker', () => {
  it('finds changes lost, changes doubled and an empty set after a reconnect, each where it is', async () => {
    const { findings } = await runSoak({
      seed: 3,
      durationMs: 4000,
      faultEveryMs: 0,
      commands: DEFECTS.map((name) => [
        ...registryCommand('test/fixtures/broken-registry.ts'),
        name,
      ]),
      registrars: 12,
      sdkServices: 0,
      streamMs: 1000,
      convergeMs: 0,
    });
    const kindsAt = (replica: number) =>
      new Set(findings.filter((finding) => finding.replica === replica).map(({ kind }) => kind));
    const lossy: FindingKind[] = ['missing-event', 'false-progress', 'wrong-snapshot'];
    expect(lossy).toEqual(expect.arrayContaining([...kindsAt(0)]));
    expect(kindsAt(0)).toContain('missing-event');
    expect(kindsAt(1)).toEqual(new Set(['duplicate-event']));
    expect(kindsAt(2)).toEqual(new Set(['wrong-snapshot']));
  });
});
