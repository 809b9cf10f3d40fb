import { describe, expect, it } from '@jest/globals';
import type { Surroundings } from '../../../../orchestrator/src/doctor/check.ts';
import { checkDisk } from '../../../../orchestrator/src/doctor/check-disk.ts';
import { checkProxy } from '../../../../orchestrator/src/doctor/check-proxy.ts';
import { clockDifference } from '../../../../orchestrator/src/doctor/check-registry.ts';
import { examine } from '../../../../orchestrator/src/doctor/examine.ts';
import { meshFolder } from '../../../../orchestrator/src/mesh-folder.ts';
import { doctorReport } from '../../../../orchestrator/src/output/doctor-report.ts';

const nothing: Surroundings = {
  topology: undefined,
  folder: meshFolder('/tmp/.weft'),
  state: undefined,
  store: undefined,
  registry: undefined,
  env: {},
};

describe('the checks of weft doctor', () => {
  it('pass with a proxy in the environment, as the mesh does not use it', async () => {
    const text = 'calls between services go straight';
    expect(await checkProxy.look(nothing)).toEqual([{ kind: 'pass', text }]);
    const env = { https_proxy: 'http://proxy:3128', no_proxy: 'localhost' };
    expect(await checkProxy.look({ ...nothing, env })).toMatchObject([
      { kind: 'pass', text: expect.stringContaining(`${text}; $https_proxy counts only for`) },
    ]);
  });

  it('tell how much room there is, where the data is or will be', async () => {
    const [found] = await checkDisk.look(nothing);
    expect(found?.text).toMatch(/^\d+ MB are free .* in \/tmp/);
  });

  it('take the clock of another to have been read half way', () => {
    const times = { askedAt: 1000, answeredAt: 1100 };
    expect(clockDifference(1050, times)).toEqual({ aheadMs: 0, withinMs: 50 });
    expect(clockDifference(5000, times)).toEqual({ aheadMs: 3950, withinMs: 50 });
  });

  it('are told even when one of them cannot look', async () => {
    const broken = {
      name: 'broken',
      look: async () => {
        throw new Error('no such thing');
      },
    };
    const findings = await examine(nothing, [broken, checkProxy]);
    expect(findings).toMatchObject([
      { check: 'broken', kind: 'fail', text: 'could not be looked at: no such thing' },
      { check: 'proxy', kind: 'pass' },
    ]);
    expect(doctorReport(findings, false)).toBe(
      [
        'FAIL  broken  could not be looked at: no such thing',
        '              -> see that what it asks is up, and can be reached from here',
        'pass  proxy   calls between services go straight',
        '1 wrong, 0 to look at',
      ].join('\n'),
    );
  });
});
