import { expect, it } from '@jest/globals';
import type { WatchEntry } from '../../soak/history.ts';
import { registryCommand, runSoak } from '../../soak/soak.ts';
import { describeWith } from '../../support/tools.ts';

const isOpening = ({ kind }: WatchEntry) => kind === 'open';
const DEFECTS = ['lossy', 'doubling', 'emptying'];

describeWith(['etcd', 'etcdctl'], 'the checker', () => {
  it('finds changes lost, changes doubled and an empty set after a reconnect, each where it is', async () => {
    const { findings } = await runSoak({
      seed: 3,
      durationMs: 20_000,
      isEnough: ({ changes, watches }) =>
        changes.length > 60 &&
        watches.flatMap(({ entries }) => entries.filter(isOpening)).length > 30,
      faultEveryMs: 0,
      commands: DEFECTS.map((name) => registryCommand(['test/fixtures/broken-registry.ts', name])),
      registrars: 24,
      sdkServices: 0,
      hasDrains: false,
      streamMs: 1000,
      convergeMs: 0,
    });
    const kindsAt = (replica: number) =>
      new Set(findings.filter((finding) => finding.replica === replica).map(({ kind }) => kind));
    expect(kindsAt(0)).toContain('missing-event');
    for (const kind of ['duplicate-event', 'not-ordered']) expect(kindsAt(0)).not.toContain(kind);
    expect(kindsAt(1)).toEqual(new Set(['duplicate-event']));
    expect(kindsAt(2)).toEqual(new Set(['wrong-snapshot']));
  }, 120_000);

  it('finds calls that are sent to an instance after its drain has ended', async () => {
    const { findings } = await runSoak({
      seed: 3,
      durationMs: 20_000,
      isEnough: ({ drains }) => drains.some(({ lateAtMs }) => lateAtMs.length > 0),
      faultEveryMs: 0,
      commands: [registryCommand(['test/fixtures/broken-registry.ts', 'hasty'])],
      registrars: 1,
      watchers: 1,
      sdkServices: 0,
      convergeMs: 0,
    });
    expect(findings.map(({ kind }) => kind)).toContain('call-after-drain');
  }, 120_000);
});
