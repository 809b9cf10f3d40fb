import { connectivityState } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import type { Connection, Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { Link } from '../../../../client-sdk/src/grpc/link.ts';
import type { ChannelControlHelper } from '../../../../client-sdk/src/grpc-experimental.ts';
import { endpoint } from '../fixtures.ts';
import { FakeSubchannel } from './fake-subchannel.ts';

const { IDLE, READY, TRANSIENT_FAILURE } = connectivityState;

let subchannels: FakeSubchannel[];
let firstState: connectivityState;
let told: Connection[];
let target: Endpoint;
let link: Link;

beforeEach(() => {
  jest.useFakeTimers();
  subchannels = [];
  firstState = IDLE;
  told = [];
  target = endpoint('a');
  const helper = {
    createSubchannel: (address: unknown, args: Record<string, unknown>) => {
      const subchannel = new FakeSubchannel(address, args);
      subchannel.state = firstState;
      subchannels.push(subchannel);
      return subchannel;
    },
  };
  const balancer = {
    setConnection: (each: Endpoint, connection: Connection) => {
      each.connection = connection;
      told.push(connection);
    },
  };
  link = new Link(
    target,
    balancer as unknown as Balancer,
    helper as unknown as ChannelControlHelper,
    { 'grpc.keepalive_time_ms': 10 },
  );
});

afterEach(() => {
  link.close();
  expect(jest.getTimerCount()).toBe(0);
  for (const { refs, listeners } of subchannels) expect([refs, listeners.size]).toEqual([0, 0]);
  jest.useRealTimers();
});

function subchannel(): FakeSubchannel {
  return subchannels.at(-1) as FakeSubchannel;
}

describe('a connection', () => {
  it('is begun at once, and ready when it is made', () => {
    link.open();
    expect(subchannel()).toMatchObject({
      address: { host: '127.0.0.1', port: 1000 },
      args: { 'grpc.keepalive_time_ms': 10 },
      tries: 1,
      refs: 1,
    });
    expect(told).toEqual([]);
    subchannel().become(READY);
    expect(told).toEqual([{ state: 'ready' }]);
    jest.advanceTimersByTime(10_000);
    expect(subchannels).toHaveLength(1);
  });

  it('that is there already is taken', () => {
    firstState = READY;
    link.open();
    expect(told).toEqual([{ state: 'ready' }]);
  });

  it('that breaks is made again at once, and not ready meanwhile', () => {
    link.open();
    subchannel().become(READY);
    subchannel().become(IDLE);
    expect(subchannel().tries).toBe(2);
    expect(told.slice(1)).toEqual([{ state: 'connecting' }]);
    subchannel().become(READY);
    expect(target.connection).toEqual({ state: 'ready' });
  });

  it('that is refused is failing, with the reason, until one is made', () => {
    link.open();
    subchannel().become(TRANSIENT_FAILURE, 'ECONNREFUSED');
    expect(told).toEqual([{ state: 'failing', error: 'ECONNREFUSED' }]);
    jest.advanceTimersByTime(5000);
    subchannel().become(IDLE);
    expect(target.connection.state).toBe('failing');
    subchannel().become(READY);
    expect(told.at(-1)).toEqual({ state: 'ready' });
    expect(subchannels).toHaveLength(1);
  });
});

describe('a peer that accepts and says nothing (F4)', () => {
  const silent = { state: 'failing', error: 'no connection within 1000 ms at 127.0.0.1:1000' };

  it('is failing after a second, and another connection is tried', () => {
    link.open();
    jest.advanceTimersByTime(999);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(told).toEqual([silent]);
    expect(subchannels[0]).toMatchObject({ refs: 0 });
    jest.advanceTimersByTime(100);
    expect(subchannels).toHaveLength(2);
    expect(subchannel().args).not.toEqual(subchannels[0]?.args);
    subchannel().become(READY);
    expect(target.connection).toEqual({ state: 'ready' });
  });

  it('is tried for as long as it is listed, ever less often, and failing throughout', () => {
    link.open();
    jest.advanceTimersByTime(60_000);
    expect(told.every(({ state }) => state === 'failing')).toBe(true);
    expect(subchannels.length).toBeGreaterThan(20);
    expect(subchannels.length).toBeLessThan(50);
    expect(subchannels.filter(({ refs }) => refs > 0).length).toBeLessThanOrEqual(1);
    expect(new Set(subchannels.map(({ args }) => JSON.stringify(args))).size).toBe(
      subchannels.length,
    );
  });

  it('changes nothing when the connection that was given up is ready after all', () => {
    link.open();
    const [first] = subchannels as [FakeSubchannel];
    const listeners = [...first.listeners];
    jest.advanceTimersByTime(1000);
    first.become(READY);
    expect(listeners).toHaveLength(1);
    expect(first.listeners.size).toBe(0);
    expect(target.connection).toEqual(silent);
    jest.advanceTimersByTime(100);
    first.become(IDLE);
    expect(first.tries).toBe(1);
    expect(subchannel().tries).toBe(1);
  });

  it('has a whole second for each try', () => {
    link.open();
    jest.advanceTimersByTime(900);
    subchannel().become(READY);
    subchannel().become(IDLE);
    jest.advanceTimersByTime(900);
    expect(target.connection.state).toBe('connecting');
    subchannel().become(READY);
    jest.advanceTimersByTime(900);
    expect(target.connection.state).toBe('ready');
  });
});

describe('close', () => {
  it.each<[string, () => void]>([
    ['connecting', () => {}],
    ['ready', () => subchannel().become(READY)],
    ['refused', () => subchannel().become(TRANSIENT_FAILURE)],
    ['about to be tried again', () => jest.advanceTimersByTime(1000)],
  ])('lets go of one that is %s, and tells nothing more', (_state, reach) => {
    link.open();
    reach();
    const before = told.length;
    link.close();
    link.close();
    for (const each of subchannels) each.become(READY);
    jest.advanceTimersByTime(60_000);
    expect(told).toHaveLength(before);
    expect(subchannels).toHaveLength(1);
  });
});
