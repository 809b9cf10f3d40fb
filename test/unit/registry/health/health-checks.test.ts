import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GrpcServer, ServingStatus, silentLog } from '@weft/proto';
import { Health, InstanceStatus } from '@weft/proto/registry';
import { freePort } from '../../../../orchestrator/src/process/ports.ts';
import { HealthChecks } from '../../../../registry/src/health/health-checks.ts';
import { MemoryStore } from '../../../../registry/src/store/memory-store.ts';
import { ReplicaList } from '../../../../registry/src/store/replica-list.ts';
import type { InstanceDescription } from '../../../../registry/src/store/stored-instance.ts';
import { eventually } from '../../../support/eventually.ts';
import { describedInstance } from '../fixtures.ts';

const { HEALTH_UNSPECIFIED, HEALTH_SERVING, HEALTH_NOT_SERVING } = Health;

describe('the health checks of a replica', () => {
  let store: MemoryStore;
  let replicas: ReplicaList;
  let server: GrpcServer;
  let port: number;
  let warnings: string[];
  const checks: HealthChecks[] = [];

  beforeEach(async () => {
    store = new MemoryStore();
    replicas = new ReplicaList();
    warnings = [];
    live('one');
    server = new GrpcServer({ routes: [] });
    port = await server.listen('127.0.0.1:0');
    server.health.setAll(ServingStatus.SERVING);
  });
  afterEach(async () => {
    for (const each of checks.splice(0)) each.close();
    store.close();
    await server.close(0);
  });

  const live = (...ids: string[]) =>
    replicas.set(ids.map((id) => ({ id, address: `${id}:1`, startTime: new Date() })));

  function start(replicaId = 'one'): HealthChecks {
    const log = {
      ...silentLog,
      warn: (_: unknown, message?: string) => warnings.push(`${message}`),
    };
    const times = { intervalMs: 50, timeoutMs: 1000 };
    const started = new HealthChecks({ store, replicas, replicaId, times, log });
    checks.push(started);
    return started;
  }

  const list = (id: string, over: Partial<InstanceDescription> = {}) =>
    store.register(
      describedInstance({
        id,
        address: { host: '127.0.0.1', port },
        healthCheck: { service: '' },
        ...over,
      }),
      600,
    );
  const healthOf = (id: string) => store.catalog.get('user-service', id)?.health;
  const becomes = (id: string, health: Health) =>
    eventually(() => expect(healthOf(id)).toBe(health), { withinMs: 10_000 });

  it('note what changes, of instances listed before and after the start', async () => {
    await list('a');
    start();
    await list('b');
    await Promise.all([becomes('a', HEALTH_SERVING), becomes('b', HEALTH_SERVING)]);
    server.health.setAll(ServingStatus.NOT_SERVING);
    await Promise.all([becomes('a', HEALTH_NOT_SERVING), becomes('b', HEALTH_NOT_SERVING)]);
    expect(warnings).toEqual(Array(2).fill('an instance fails its health check'));
    server.health.setAll(ServingStatus.SERVING);
    await Promise.all([becomes('a', HEALTH_SERVING), becomes('b', HEALTH_SERVING)]);
  });

  it('leave out who asks for none, takes no calls, or has left', async () => {
    const started = start();
    await list('asks-not', { healthCheck: undefined });
    await list('stops', { status: InstanceStatus.INSTANCE_STATUS_STOPPING });
    expect(started.size).toBe(0);
    const { instance } = await list('runs');
    expect(started.size).toBe(1);
    const { service, id, leaseId } = instance;
    await store.update(
      { service, id, leaseId },
      { status: InstanceStatus.INSTANCE_STATUS_STOPPING },
    );
    expect(started.size).toBe(0);
    await store.update(
      { service, id, leaseId },
      { status: InstanceStatus.INSTANCE_STATUS_RUNNING },
    );
    expect(started.size).toBe(1);
    await store.deregister({ service, id, leaseId });
    expect(started.size).toBe(0);
  });

  it('begin anew where an instance is replaced by another', async () => {
    const away = { host: '127.0.0.1', port: await freePort('127.0.0.1') };
    start();
    await list('a', { address: away });
    await becomes('a', HEALTH_NOT_SERVING);
    await store.deregister({ service: 'user-service', id: 'a', leaseId: 0n });
    await list('a', { incarnation: 'second' });
    await becomes('a', HEALTH_SERVING);
  });

  it('note nothing against the instances while most of three or more are silent', async () => {
    const address = { host: '127.0.0.1', port: await freePort('127.0.0.1') };
    start();
    await list('a', { address });
    await list('b', { address });
    await becomes('a', HEALTH_NOT_SERVING);
    await becomes('b', HEALTH_NOT_SERVING);
    await list('c', { address });
    const cutOff = 'most instances are silent: this registry may be cut off';
    await eventually(() => expect(warnings.at(-1)).toBe(cutOff));
    await list('d');
    await becomes('d', HEALTH_SERVING);
    expect(healthOf('c')).toBe(HEALTH_UNSPECIFIED);
    expect(warnings.filter((text) => text === cutOff)).toHaveLength(1);
    await list('e');
    await list('f');
    await becomes('c', HEALTH_NOT_SERVING);
  });

  it('are shared out among the replicas, and taken over from one that leaves', async () => {
    live('one', 'two');
    const [one, two] = [start('one'), start('two')];
    for (let i = 0; i < 20; i += 1) await list(`i${i}`);
    expect(one.size + two.size).toBe(20);
    expect(Math.min(one.size, two.size)).toBeGreaterThan(0);
    live('two');
    expect([one.size, two.size]).toEqual([0, 20]);
    two.close();
    expect(two.size).toBe(0);
    await list('late');
    expect(two.size).toBe(0);
  });
});
