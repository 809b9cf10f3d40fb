import { expect, it } from '@jest/globals';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { createMeshEvents } from '../../../../client-sdk/src/mesh-events.ts';
import { CallerMetrics } from '../../../../client-sdk/src/metrics/caller-metrics.ts';

const endpoint = { instance: { service: 'echo', id: 'a' } } as unknown as Endpoint;

function callerMetrics() {
  const events = createMeshEvents();
  const metrics = new CallerMetrics({
    events,
    breakers: () => [],
    callees: () => [],
    typeOf: (path) => (path.endsWith('/Known') ? 'server_stream' : undefined),
  });
  const lines = async (name: string) =>
    (await metrics.set.text()).split('\n').filter((line) => line.startsWith(name));
  return { metrics, events, lines };
}

it('tells the kind of a method where a contract told of it', async () => {
  const { metrics, lines } = callerMetrics();
  for (const path of ['/s.S/Known', '/s.S/Other']) metrics.started(endpoint, path, false);
  const labels = 'grpc_service="s.S",grpc_method=';
  expect(await lines('grpc_client_started_total')).toEqual([
    `grpc_client_started_total{callee="echo",grpc_type="server_stream",${labels}"Known"} 1`,
    `grpc_client_started_total{callee="echo",grpc_type="unknown",${labels}"Other"} 1`,
  ]);
});

it('holds a bounded number of methods, and counts the rest as one', async () => {
  const { metrics, lines } = callerMetrics();
  for (let method = 0; method < 3000; method += 1) {
    metrics.started(endpoint, `/s.S/M${method}`, false);
    metrics.count(endpoint, `/s.S/M${method}`, 0, 1);
  }
  const started = await lines('grpc_client_started_total');
  expect(started).toHaveLength(1001);
  expect(started.at(-1)).toMatch(/grpc_service="other",grpc_method="other"} 2000$/);
  expect((await lines('grpc_client_handled_total')).at(-1)).toMatch(/"OK"} 2000$/);
});

it('counts ejections by reason, and openings of breakers only', async () => {
  const { events, lines } = callerMetrics();
  const of = { service: 'echo', instanceId: 'a' };
  events.emit('instanceEjected', { ...of, reason: 'stopped answering', forMs: 1 });
  events.emit('instanceEjected', { ...of, reason: 'overloaded', forMs: 1 });
  events.emit('instanceEjected', { ...of, reason: 'overloaded', forMs: 1 });
  events.emit('breakerChanged', { ...of, from: 'closed', to: 'open' });
  events.emit('breakerChanged', { ...of, from: 'open', to: 'half-open' });
  expect(await lines('weft_client_ejections_total')).toEqual([
    'weft_client_ejections_total{callee="echo",reason="stopped answering"} 1',
    'weft_client_ejections_total{callee="echo",reason="overloaded"} 2',
  ]);
  expect(await lines('weft_client_breaker_openings_total')).toEqual([
    'weft_client_breaker_openings_total{callee="echo"} 1',
  ]);
});
