import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createChannel, createClient } from 'nice-grpc';
import { HealthDefinition } from '../../proto/gen/grpc/health/v1/health.ts';
import { eventually } from '../support/eventually.ts';
import { metricsAt } from '../support/metrics.ts';
import { createRegistryClient } from '../support/registry.ts';
import { type RegistryProcess, startRegistry } from '../support/registry-process.ts';
import { floodWithResets } from '../support/reset-flood.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

/** Watches that one connection may have, by default. */
const WATCHES = 1000;
const WATCH = '/weft.registry.v1.RegistryService/Watch';

describe('a registry whose clients reset streams', () => {
  let registry: RegistryProcess;
  let address: string;

  beforeAll(async () => {
    registry = startRegistry({ flags: ['--store', 'memory', '--port', '0'] });
    address = await registry.ready();
  });
  afterAll(() => registry.end());

  it('lets one connection close all of its watches at once, and goes on serving it', async () => {
    const { client, close } = createRegistryClient(address);
    const watches = Array.from({ length: WATCHES }, () => new WatchRecorder(client));
    const areOpen = () => {
      for (const watch of watches) expect(watch.messages.length).toBeGreaterThan(0);
    };
    await eventually(areOpen, { withinMs: 20_000, everyMs: 100 });
    const [kept, ...others] = watches;
    await Promise.all(others.map((watch) => watch.stop()));
    // Replaced by others, each of these is a reset as well.
    const calls = Array.from({ length: 300 }, async () => {
      const caller = new AbortController();
      const call = client.listServices({}, { signal: caller.signal });
      setImmediate(() => caller.abort());
      await call.catch(() => {});
    });
    await Promise.all(calls);
    await client.register({
      instance: { service: 'shop', id: 'a', address: { host: '127.0.0.1', port: 5000 } },
    });
    await eventually(() => expect(kept?.ids).toEqual(['a']));
    await kept?.stop();
    close();
  });

  it('D6: ends a flood of resets before it has taken much time from others', async () => {
    const channel = createChannel(address);
    const health = createClient(HealthDefinition, channel);
    await health.check({});
    const started = async () => {
      const [, http] = /"http":"([^"]+)"/.exec(registry.output.err) ?? [];
      const counts = [...(await metricsAt(http))].filter(
        ([name]) => name.startsWith('grpc_server_started_total') && name.includes('"Watch"'),
      );
      expect(counts.length).toBe(1);
      return counts[0]?.[1] ?? 0;
    };
    const before = await started();
    const flood = floodWithResets(address, WATCH, 20_000);
    await health.check({});
    await flood;
    await health.check({});
    // Those read together with the reset that was one too many have begun as well.
    expect((await started()) - before).toBeLessThan(3 * WATCHES);
    channel.close();
  });
});
