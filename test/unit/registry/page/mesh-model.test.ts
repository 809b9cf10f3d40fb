import { describe, expect, it } from '@jest/globals';
import { meshGraph } from '../../../../registry/src/page/mesh-graph.ts';
import { MeshModel } from '../../../../registry/src/page/mesh-model.ts';
import type {
  SnapshotMessage,
  TrafficMessage,
  WireEdge,
  WireInstance,
} from '../../../../registry/src/page/wire.ts';

function instance(over: Partial<WireInstance> = {}): WireInstance {
  return {
    service: 'user-service',
    id: 'a',
    address: '127.0.0.1:1',
    type: 'API',
    version: '1',
    zone: '',
    weight: 1,
    metadata: [],
    dependencies: [],
    startedAt: 0,
    status: 'RUNNING',
    health: '',
    leaseId: 'a1',
    ttlSeconds: 10,
    ...over,
  };
}

function snapshot(...instances: WireInstance[]): SnapshotMessage {
  const registry = '127.0.0.1:7400';
  const state = { isComplete: true, isStale: false, hasActions: false, registry };
  return { kind: 'snapshot', ...state, instances, renewals: [['a1', 2000]], events: [] };
}

function edge(over: Partial<WireEdge>): WireEdge {
  const numbers = { rate: 4, errors: 1, p50Ms: 1, p99Ms: 2 };
  return { caller: '', service: 'user-service', instance: '', ...numbers, ...over };
}

function traffic(over: Partial<TrafficMessage> = {}): TrafficMessage {
  const none = { totals: [], edges: [], instances: [], breakers: [], renewals: [] };
  return { kind: 'traffic', time: 1000, ...none, ...over };
}

function modelAt(clock: { now: number }, ...instances: WireInstance[]) {
  const model = new MeshModel(() => clock.now);
  model.apply(snapshot(...instances));
  return model;
}

const conditions = (model: MeshModel) => model.instances.map(({ condition }) => condition);

describe('what the page knows of the mesh', () => {
  it.each([
    [{}, 'up'],
    [{ status: 'STARTING' }, 'starting'],
    [{ status: 'STOPPING' }, 'draining'],
    [{ weight: 0 }, 'draining'],
    [{ health: 'NOT_SERVING' }, 'down'],
    [{ status: 'ERROR' }, 'down'],
  ] as const)('says of %j that it is %s', (over, condition) => {
    expect(conditions(modelAt({ now: 0 }, instance(over)))).toEqual([condition]);
  });

  it('shows an instance that has gone for a while, whether told so or missing after a reconnect', () => {
    const clock = { now: 0 };
    const model = modelAt(clock, instance(), instance({ id: 'b' }));
    const deleted = [{ service: 'user-service', id: 'a' }];
    model.apply({ kind: 'changes', put: [], deleted, isStale: false });
    model.apply(snapshot());
    expect(conditions(model)).toEqual(['gone', 'gone']);
    expect(model.size).toBe(0);
    clock.now = 10_001;
    model.apply(traffic());
    expect(model.instances).toEqual([]);
  });

  it('shows one that came back once', () => {
    const model = modelAt({ now: 0 }, instance());
    model.apply(snapshot());
    model.apply({ kind: 'changes', put: [instance()], deleted: [], isStale: true });
    expect(conditions(model)).toEqual(['up']);
    expect(model.isStale).toBe(true);
  });

  it('says when a lease was renewed only where that is known', () => {
    const clock = { now: 5000 };
    const model = modelAt(clock, instance());
    clock.now = 6000;
    expect(model.renewedAgoMs(instance())).toBe(3000);
    expect(model.renewedAgoMs(instance({ leaseId: 'b2' }))).toBeUndefined();
    model.apply(traffic({ renewals: [['a1', 100]] }));
    expect(model.renewedAgoMs(instance())).toBe(100);
  });

  it('adds up services: those with instances, and those that are only called', () => {
    const model = modelAt({ now: 0 }, instance(), instance({ id: 'b', weight: 0 }));
    const totals = [edge({}), edge({ service: 'elsewhere' })];
    model.apply(traffic({ totals, instances: [edge({ instance: 'a' })] }));
    expect(model.services().map(({ name, count }) => [name, count])).toEqual([
      ['elsewhere', 0],
      ['user-service', 2],
    ]);
    expect(model.trafficOf(instance())?.rate).toBe(4);
    expect(model.trafficOf(instance({ id: 'b' }))).toBeUndefined();
    expect(model.history.of('user-service')?.rate).toEqual([4]);
  });

  it('keeps a bounded history', () => {
    const model = modelAt({ now: 0 });
    for (let second = 0; second < 400; second += 1) {
      model.apply(traffic({ time: second * 1000, totals: [edge({})] }));
    }
    const columns = model.history.of('user-service');
    expect(columns?.times).toHaveLength(300);
    expect(columns?.p99Ms).toHaveLength(300);
    expect(columns?.times.at(-1)).toBe(399);
  });
});

describe('the graph of the mesh', () => {
  it('has declared dependencies, traffic, programs and services that are not there', () => {
    const model = modelAt(
      { now: 0 },
      instance({ service: 'order-service', dependencies: ['lost'] }),
    );
    const edges = [edge({ caller: 'buy.mts@host:1', service: 'order-service' })];
    model.apply(traffic({ edges }));
    const graph = meshGraph(model.services(), model.instances, model.edges);
    expect(graph.nodes.map(({ id, state }) => [id, state])).toEqual([
      ['order-service', 'up'],
      ['lost', 'missing'],
      ['buy.mts@host:1', 'program'],
    ]);
    expect(graph.edges.map(({ from, to, isDeclared }) => [from, to, isDeclared])).toEqual([
      ['buy.mts@host:1', 'order-service', false],
      ['order-service', 'lost', true],
    ]);
  });
});
