import { expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { TelemetryServiceDefinition } from '@weft/proto/telemetry';
import { createChannel, createClient } from 'nice-grpc';
import { TelemetryLink } from '../../orchestrator/src/scaling/telemetry-link.ts';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import { createTcpProxy } from '../support/tcp-proxy.ts';

const WINDOW_MS = 4000;

it('F14: takes a registry that comes back knowing nothing for no sign that nobody calls', async () => {
  await using open = new AsyncDisposableStack();
  const [before, after] = [await createTestRegistry(), await createTestRegistry()];
  open.defer(() => before.close());
  open.defer(() => after.close());
  const proxy = await createTcpProxy(before.address);
  open.defer(() => proxy.close());
  const channel = createChannel(before.address);
  open.defer(() => channel.close());
  const edge = { service: 'user-service', instanceId: 'a', busyMs: 3000 };
  await createClient(TelemetryServiceDefinition, channel).report({
    caller: { instanceId: 'test' },
    intervalMs: 1000,
    edges: [edge],
  });
  const link = new TelemetryLink(proxy.address, silentLog, WINDOW_MS);
  open.defer(() => link.close());
  const inFlight = (laterMs = 0) => link.inFlight('user-service', performance.now() + laterMs);
  expect(inFlight()).toBeUndefined();
  await eventually(() => expect(inFlight()).toBeGreaterThan(0));

  proxy.redirect(after.address);
  proxy.cut();
  await eventually(() => expect(inFlight()).toBeUndefined());
  proxy.restore();
  // It is told that there are none; it believes that later.
  await eventually(() => expect(inFlight(WINDOW_MS)).toBe(0), { withinMs: 10_000 });
  expect(inFlight()).toBeUndefined();
});
