import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { Scaler } from '../../../../orchestrator/src/scaling/scaler.ts';
import type { TelemetryLink } from '../../../../orchestrator/src/scaling/telemetry-link.ts';
import type { SlotGroup } from '../../../../orchestrator/src/slot/slot-group.ts';
import type { ScaleSpec } from '../../../../orchestrator/src/topology/topology.ts';
import { block, startBusyProcess } from '../../../support/busy-process.ts';

const spec: ScaleSpec = {
  min: 1,
  max: 8,
  target: { kind: 'inFlight', value: 10 },
  cooldownMs: 5000,
};

describe('Scaler', () => {
  let scaler: Scaler;
  let inFlight: number | undefined;
  let scale: (count: number) => Promise<void>;
  let group: {
    name: string;
    wanted: number;
    slots: { isHealthy: boolean; pid: number | undefined }[];
    scale(count: number): Promise<void>;
  };
  const news: string[] = [];

  const watch = (target: ScaleSpec['target']) => {
    scaler?.close();
    scaler = new Scaler({
      services: [{ group: group as unknown as SlotGroup, spec: { ...spec, target } }],
      telemetry: { inFlight: () => inFlight, scaled: async () => {} } as unknown as TelemetryLink,
      onNews: (text) => news.push(text),
      log: silentLog,
    });
  };

  beforeEach(() => {
    jest.useFakeTimers();
    news.length = 0;
    inFlight = undefined;
    group = {
      name: 'shop',
      wanted: 2,
      slots: [],
      scale: (count) => scale(count),
    };
    scale = async (count) => {
      group.wanted = count;
    };
    watch(spec.target);
  });
  afterEach(() => {
    scaler.close();
    jest.useRealTimers();
  });

  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  it('brings a service to as many instances as its load needs', async () => {
    inFlight = 40;
    await pass(1000);
    expect(group.wanted).toBe(4);
    expect(news).toEqual([expect.stringMatching(/^shop scales from 2 to 4: each has 20/)]);
  });

  it('does nothing while the load is not known', async () => {
    await pass(10_000);
    expect(group.wanted).toBe(2);
    expect(scaler.loadEach('shop')).toBeUndefined();
  });

  it('tells the load of each instance, and none of a service without instances', async () => {
    inFlight = 21;
    await pass(1000);
    expect(scaler.loadEach('shop')).toBe(21 / group.wanted);
    expect(scaler.loadEach('other')).toBeUndefined();
    group.wanted = 0;
    inFlight = 0;
    await pass(1000);
    expect(scaler.loadEach('shop')).toBeUndefined();
    expect(group.wanted).toBe(0);
  });

  it('shrinks after the cool-down, and not below what was set by hand before', async () => {
    inFlight = 10;
    await pass(4000);
    expect(group.wanted).toBe(2);
    scaler.wasSet('shop', 2);
    await pass(4000);
    expect(group.wanted).toBe(2);
    await pass(2000);
    expect(group.wanted).toBe(1);
  });

  it('waits for growth under way, and 30 s after one that failed', async () => {
    const counts: number[] = [];
    let fail = (_error: Error) => {};
    scale = (count) => {
      counts.push(count);
      return new Promise((_, reject) => {
        fail = reject;
      });
    };
    inFlight = 40;
    await pass(5000);
    expect(counts).toEqual([4]);
    fail(new Error('no port is free'));
    await pass(29_000);
    expect(counts).toEqual([4]);
    expect(news.at(-1)).toBe('shop could not be scaled to 4: no port is free');
    await pass(2000);
    expect(counts).toEqual([4, 4]);
  });

  (process.platform === 'linux' ? it : it.skip)(
    'measures the CPU that the healthy processes of a service use, and no others',
    async () => {
      const busy = await startBusyProcess();
      try {
        watch({ kind: 'cpu', value: 0.001 });
        group.slots = [{ isHealthy: false, pid: busy.pid }];
        for (let look = 0; look < 2; look += 1) {
          await pass(1000);
          block(100);
        }
        expect(scaler.loadEach('shop')).toBeUndefined();
        group.slots.push({ isHealthy: true, pid: busy.pid }, { isHealthy: true, pid: undefined });
        await pass(1000);
        for (let look = 0; look < 20 && group.wanted === 2; look += 1) {
          block(100);
          await pass(1000);
        }
        expect(group.wanted).toBeGreaterThan(2);
      } finally {
        await busy.end();
      }
    },
  );
});
