import { describe, expect, it } from '@jest/globals';
import { GetStatusResponse, ProcessState, Scaling } from '@weft/proto/orchestrator';
import { Health, InstanceStatus } from '@weft/proto/registry';
import { BreakerState, BreakerStatus, Event, EventKind } from '@weft/proto/telemetry';
import {
  chosenInstances,
  drainTargets,
} from '../../../../orchestrator/src/mesh-view/drain-targets.ts';
import { processRows } from '../../../../orchestrator/src/mesh-view/process-rows.ts';
import { breakersTable } from '../../../../orchestrator/src/output/breakers-table.ts';
import { changeLine } from '../../../../orchestrator/src/output/change-line.ts';
import { columns } from '../../../../orchestrator/src/output/columns.ts';
import { eventLine } from '../../../../orchestrator/src/output/event-line.ts';
import { instancesTable } from '../../../../orchestrator/src/output/instances-table.ts';
import { processTable } from '../../../../orchestrator/src/output/process-table.ts';
import { topScreen } from '../../../../orchestrator/src/output/top-screen.ts';
import {
  latencyText,
  rateText,
  shareText,
} from '../../../../orchestrator/src/output/traffic-text.ts';
import { edge, listed } from '../mesh-view/instances.ts';

const plain = { isColored: false };
const { INSTANCE_STATUS_STOPPING: STOPPING, INSTANCE_STATUS_ERROR: ERROR } = InstanceStatus;

describe('numbers of traffic', () => {
  it.each([
    [0, '0'],
    [0.01, '<0.1'],
    [1.26, '1.3'],
    [12.4, '12'],
    [12_345, '12.3k'],
  ])('%d calls a second are %s', (rate, text) => expect(rateText(rate)).toBe(text));

  it.each([
    [0, 0, '-'],
    [0, 5, '0%'],
    [0.001, 10, '<0.1%'],
    [1, 3, '33%'],
    [1, 100, '1.0%'],
    [5, 5, '100%'],
  ])('%d of %d are %s', (part, whole, text) => expect(shareText(part, whole)).toBe(text));

  it.each([
    [undefined, '-'],
    [0.42, '0.4 ms'],
    [120.4, '120 ms'],
    [12_000, '12.0 s'],
  ])('%s ms are %s', (ms, text) => expect(latencyText(ms)).toBe(text));
});

describe('columns', () => {
  it('stand one below the other, also where a cell is coloured', () => {
    const text = columns(
      ['a', 'bb'],
      [
        ['\x1b[31mlong\x1b[39m', 'x'],
        ['y', 'z'],
      ],
      plain,
    );
    expect(text).toBe('A     BB\n\x1b[31mlong\x1b[39m  x\ny     z');
    expect(columns(['a'], [], { isColored: true })).toBe('\x1b[1mA\x1b[22m');
  });
});

describe('lines of people', () => {
  it('show an instance whole, its lease as etcdctl has it', () => {
    const [, row] = instancesTable(
      [listed({ address: { host: '::1', port: 5 }, health: Health.HEALTH_NOT_SERVING })],
      plain,
    ).split('\n');
    expect(row?.split(/ {2,}/)).toEqual([
      ...['user-service', 'a', '[::1]:5', 'RUNNING', 'NOT_SERVING'],
      ...['-', '-', '1', '00000000000000ff', '10 s'],
    ]);
  });

  it('tell what has changed', () => {
    const before = listed();
    const instance = listed({ status: STOPPING, weight: 0, leaseId: 9n });
    const line = changeLine({ kind: 'CHANGED', instance, before }, 0);
    expect(line).toMatch(
      /^\d\d-\d\d [\d:.]+ CHANGED user-service\/a {2}status RUNNING -> STOPPING, weight 1 -> 0, registered again$/,
    );
    expect(changeLine({ kind: 'REMOVED', instance }, 0)).toMatch(/REMOVED user-service\/a$/);
    expect(changeLine({ kind: 'ADDED', instance: before }, 0)).toMatch(
      /ADDED {3}user-service\/a {2}at 127\.0\.0\.1:4001, RUNNING$/,
    );
  });

  it('tell an event, and whose client told it', () => {
    const kind = EventKind.EVENT_KIND_BREAKER_OPENED;
    const caller = { service: 'order', instanceId: 'o1' };
    const event = Event.fromPartial({
      kind,
      service: 'user',
      instanceId: 'a',
      caller,
      detail: 'x',
    });
    expect(eventLine(event)).toMatch(/ {2}BREAKER_OPENED +user\/a {2}by order\/o1 {2}x$/);
    const kept = EventKind.EVENT_KIND_SNAPSHOT_KEPT;
    expect(eventLine(Event.fromPartial({ kind: kept, service: 'user' }))).toMatch(/KEPT +user$/);
    expect(eventLine(Event.fromPartial({ kind: 99 as never }))).toMatch(/ {2}99/);
  });

  it('tell a breaker, by the clock of who says since when', () => {
    const breaker = { service: 'user', instanceId: 'a', state: BreakerState.BREAKER_STATE_OPEN };
    const caller = { service: '', instanceId: 'buy@host:1' };
    const one = BreakerStatus.fromPartial({ caller, breaker, since: new Date(1000) });
    expect(breakersTable([one], { nowMs: 66_000, isColored: false })).toMatch(
      /\nuser +a +OPEN +buy@host:1 +1 m 5 s ago$/,
    );
  });
});

describe('weft ps', () => {
  it('joins the processes here with what is registered, and adds what runs elsewhere', () => {
    const { PROCESS_STATE_RUNNING: up, PROCESS_STATE_BACKOFF: backoff } = ProcessState;
    const startTime = new Date(0);
    const { services } = GetStatusResponse.fromPartial({
      services: [
        {
          name: 'user-service',
          processes: [
            { name: 'u-1', pid: 7, state: up, healthy: true, startTime, instanceId: 'a' },
            { name: 'u-2', state: backoff, lastExit: 'exit code 3', restarts: 2 },
          ],
        },
      ],
    });
    const rows = processRows(services, [listed(), listed({ service: 'cart', id: 'c' })]);
    const lines = processTable(rows, { nowMs: 5000, isColored: false }).split('\n');
    expect(lines.slice(1).map((line) => line.split(/ {2,}/))).toEqual([
      ['u-1', '7', 'user-service', 'a', 'up 5 s', 'RUNNING', '127.0.0.1:4001'],
      ['u-2', '-', 'user-service', '-', 'backoff (exit code 3), 2 restarts', '-', '-'],
      ['-', '-', 'cart', 'c', 'up', 'RUNNING', '127.0.0.1:4001'],
    ]);
  });
});

describe('weft top', () => {
  const view = {
    registry: 'r:1',
    instances: ['a', 'b', 'c', 'd'].map((id) => listed({ id })),
    traffic: {
      instances: [
        edge('', 'user-service', { instanceId: 'c', rate: 30, errorRate: 3, p99Ms: 8 }),
        edge('', 'user-service', { instanceId: 'b', rate: 10, errorRate: 0, p99Ms: 12 }),
      ],
      breakers: [
        BreakerStatus.fromPartial({ breaker: { service: 'user-service', instanceId: 'c' } }),
      ],
    },
    scaling: new Map(),
    trouble: '',
  };

  it('sorts by traffic and sums it up', () => {
    const all = { rows: Number.POSITIVE_INFINITY, columns: Number.POSITIVE_INFINITY };
    const lines = topScreen(view, all, false).split('\n');
    expect(lines[0]).toBe('r:1: 1 services, 4 instances, 40 calls/s, 7.5% errors');
    expect(lines[3]).toMatch(/^user-service +4 +4 +40 +7\.5% +12 ms +1 not closed$/);
    const ids = lines.slice(6).map((line) => /\/(\w)/.exec(line)?.[1]);
    expect(ids).toEqual(['c', 'b', 'a', 'd']);
  });

  it('tells how a service follows its load', () => {
    const all = { rows: Number.POSITIVE_INFINITY, columns: Number.POSITIVE_INFINITY };
    const how = Scaling.fromPartial({ minInstances: 1, maxInstances: 4, cpu: 0.5 });
    const lines = topScreen({ ...view, scaling: new Map([['user-service', how]]) }, all, false);
    expect(lines.split('\n')[3]).toMatch(/1 to 4 +\? of 0\.5 cores$/);
  });

  it('fits a small terminal, saying what is left out', () => {
    const lines = topScreen({ ...view, trouble: 'lost' }, { rows: 9, columns: 30 }, false).split(
      '\n',
    );
    expect(lines.length).toBeLessThanOrEqual(9);
    expect(Math.max(...lines.map(({ length }) => length))).toBe(30);
    expect(lines.at(-1)).toBe('... 2 more');
  });
});

describe('whom a drain means', () => {
  const instances = [
    listed({ id: 'ab' }),
    listed({ id: 'ac', status: STOPPING }),
    listed({ id: 'x', status: ERROR }),
  ];

  it('is one by its id or the beginning of it, or all', () => {
    expect(chosenInstances('s', instances, undefined)).toHaveLength(3);
    expect(chosenInstances('s', instances, 'x').map(({ id }) => id)).toEqual(['x']);
    expect(() => chosenInstances('s', instances, 'a')).toThrow(
      "'a' may be any of ab, ac: say which",
    );
    expect(() => chosenInstances('s', instances, 'z')).toThrow(
      "no instance 'z'; there are ab, ac, x",
    );
    expect(() => chosenInstances('s', [], 'z')).toThrow("s has no instance 'z'; there is none");
  });

  it('leaves alone who takes no calls for another reason', () => {
    const idsOf = (targets: ReturnType<typeof drainTargets>) =>
      Object.values(targets).map((group) => group.map(({ id }: { id: string }) => id));
    expect(idsOf(drainTargets(instances, false))).toEqual([['ab'], ['ac'], ['x']]);
    expect(idsOf(drainTargets(instances, true))).toEqual([['ac'], ['ab'], ['x']]);
  });
});
