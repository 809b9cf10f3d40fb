import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, Status } from '@weft/client-sdk';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { metricsAt } from '../support/metrics.ts';
import { TestMesh, usersOf, warmUp } from '../support/test-mesh.ts';

let stage: TestMesh;
beforeAll(async () => {
  stage = await TestMesh.start({ httpPort: 0 });
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

const GET_USER = 'grpc_service="user.v1.UserService",grpc_method="GetUser"';

/** A process that offers `shop` with metrics, and calls `echo`. */
async function shop(): Promise<{ at: string; users: ReturnType<typeof usersOf> }> {
  const mesh = stage.join({ breaker: { failures: 3 }, retry: { maxAttempts: 3 } });
  const { host } = await serveEcho(mesh, 'shop-1', { name: 'shop', metricsPort: 0, zone: 'a' });
  stage.defer(() => host.close());
  const { metadata } = await host.registered();
  return { at: metadata.get('metrics') ?? '', users: usersOf(mesh, 'echo') };
}

describe('the metrics of a service', () => {
  it('tell of the calls that it answers, and of itself', async () => {
    const [echo] = await stage.serve('echo', ['a'], { metricsPort: 0 });
    const at = echo?.host.instance.metadata.get('metrics');
    const users = stage.users('echo');
    await users.getUser({ id: 'x' });
    if (echo) echo.behaviour.failWith = Status.NOT_FOUND;
    await expect(users.getUser({ id: 'x' })).rejects.toThrow(/user/);
    const metrics = await metricsAt(at);
    const grpc = (name: string, labels = '') =>
      metrics.get(`grpc_server_${name}{grpc_type="unary",${GET_USER}${labels}}`);
    expect(grpc('started_total')).toBe(2);
    expect(grpc('handled_total', ',grpc_code="OK"')).toBe(1);
    expect(grpc('handled_total', ',grpc_code="NotFound"')).toBe(1);
    expect(grpc('handling_seconds_count')).toBe(2);
    expect(grpc('handling_seconds_bucket', ',le="+Inf"')).toBe(2);
    expect(grpc('handling_seconds_sum')).toBeGreaterThan(0);
    expect(metrics.get('weft_service_in_flight')).toBe(0);
    expect(metrics.get('weft_service_registered')).toBe(1);
    expect(metrics.get('weft_service_lifecycle{status="RUNNING"}')).toBe(1);
    expect(metrics.get('weft_service_lifecycle{status="STOPPING"}')).toBe(0);
    expect(metrics.get('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('tell of the calls that it makes: attempts, retries, breakers, picks without an instance', async () => {
    const started = await stage.serve('echo', ['good', 'bad']);
    const [, bad] = started;
    const { at, users } = await shop();
    await warmUp(users, started);
    if (bad) bad.behaviour.failWith = Status.UNAVAILABLE;
    const before = await metricsAt(at);
    const name = (metric: string, labels = '') =>
      `grpc_client_${metric}{callee="echo",grpc_type="unary",${GET_USER}${labels}}`;
    const open = 'weft_client_breaker_state{callee="echo",callee_instance="bad"}';
    let calls = 0;
    const after = await eventually(async () => {
      await users.getUser({ id: 'x' });
      calls += 1;
      const metrics = await metricsAt(at);
      expect(metrics.get(open)).toBe(2);
      return metrics;
    });
    const grown = (key: string) => (after.get(key) ?? 0) - (before.get(key) ?? 0);
    const failed = grown(name('handled_total', ',grpc_code="Unavailable"'));
    expect(failed).toBeGreaterThanOrEqual(3);
    expect(grown('weft_client_retries_total{callee="echo"}')).toBe(failed);
    expect(grown(name('handled_total', ',grpc_code="OK"'))).toBe(calls);
    expect(grown(name('started_total'))).toBe(calls + failed);
    expect(grown(name('handling_seconds_count'))).toBe(calls + failed);
    expect(grown('weft_client_breaker_openings_total{callee="echo"}')).toBe(1);
    expect(after.get('weft_client_breaker_state{callee="echo",callee_instance="good"}')).toBe(0);
    expect(after.get('weft_client_instances{callee="echo"}')).toBe(2);
    expect(after.get('weft_client_in_flight{callee="echo"}')).toBe(0);
    await Promise.all(started.map(({ host }) => host.close()));
    await eventually(async () => {
      await expect(users.getUser({ id: 'x' })).rejects.toThrow(/no instance/);
      const last = await metricsAt(at);
      const noPick = 'weft_client_picks_failed_total{callee="echo",grpc_code="Unavailable"}';
      expect(last.get(noPick)).toBeGreaterThan(0);
    });
  });

  it('are not there unless asked for, and a port that is taken is named', async () => {
    const [echo] = await stage.serve('echo', ['a']);
    expect(echo?.host.instance.metadata.has('metrics')).toBe(false);
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    await expect(serveEcho(stage.host, 'b', { metricsPort: port })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringMatching(`127.0.0.1:${port}.*metricsPort or \\$WEFT_METRICS_PORT`),
    });
    await new Promise((resolve) => holder.close(resolve));
  });

  it('end with the service', async () => {
    const mesh = createMesh({ registry: stage.registry.address });
    const { host } = await serveEcho(mesh, 'a', { metricsPort: 0 });
    const { metadata } = await host.registered();
    await host.close();
    mesh.close();
    await expect(metricsAt(metadata.get('metrics'))).rejects.toThrow(/fetch failed/);
  });
});

describe('the service discovery for Prometheus', () => {
  const targets = async () => (await fetch(`http://${stage.registry.httpAddress}/sd`)).json();

  it('tells of each instance that has metrics, with its service, id and zone', async () => {
    expect(await targets()).toEqual([]);
    await stage.serve('echo', ['quiet']);
    const { at } = await shop();
    expect(await targets()).toEqual([
      { targets: [at], labels: { service: 'shop', instance: 'shop-1', zone: 'a' } },
    ]);
  });

  it.each([
    'http://127.0.0.1:9090/x',
    '127.0.0.1',
    '127.0.0.1:0',
    '169.254.169.254:80',
    '::1:9',
    '',
  ])('leaves out the label %j, which is no address', async (metrics) => {
    await stage.list(1, { service: 'odd', id: 'a', metadata: new Map([['metrics', metrics]]) });
    await stage.list(2, { service: 'odd', id: 'b', metadata: new Map([['metrics', '[::1]:9']]) });
    expect(await targets()).toEqual([
      { targets: ['[::1]:9'], labels: { service: 'odd', instance: 'b' } },
    ]);
  });
});
