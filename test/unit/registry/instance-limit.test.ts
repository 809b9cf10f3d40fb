import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryStore } from '@weft/registry';
import { InstanceLimit } from '../../../registry/src/limits/instance-limit.ts';
import { describedInstance } from './fixtures.ts';

describe('the limit on instances', () => {
  let store: MemoryStore;
  let refused: number;
  beforeEach(() => {
    store = new MemoryStore();
    refused = 0;
  });
  afterEach(() => store.close());

  const limitOf = (max: number) =>
    new InstanceLimit(store.catalog, max, () => {
      refused += 1;
    });

  it('counts each service for itself', async () => {
    const limit = limitOf(1);
    await store.register(describedInstance({ service: 'user', id: 'a' }), 10);
    expect(() => limit.admit('user', 'b')).toThrow(/'user' has 1 instances, as many as/);
    expect(refused).toBe(1);
    limit.admit('order', 'a')[Symbol.dispose]();
  });

  it('lets one that is listed register again', async () => {
    const limit = limitOf(1);
    await store.register(describedInstance({ service: 'user', id: 'a' }), 10);
    limit.admit('user', 'a')[Symbol.dispose]();
    expect(refused).toBe(0);
  });

  it('counts those under way, each once, until they are done', () => {
    const limit = limitOf(2);
    const first = limit.admit('user', 'a');
    const again = limit.admit('user', 'a');
    const second = limit.admit('user', 'b');
    expect(() => limit.admit('user', 'c')).toThrow(/as many as/);
    first[Symbol.dispose]();
    expect(() => limit.admit('user', 'c')).toThrow(/as many as/);
    again[Symbol.dispose]();
    limit.admit('user', 'c')[Symbol.dispose]();
    second[Symbol.dispose]();
  });

  it('does not count one under way twice once it is listed', async () => {
    const limit = limitOf(2);
    using _first = limit.admit('user', 'a');
    await store.register(describedInstance({ service: 'user', id: 'a' }), 10);
    using _second = limit.admit('user', 'b');
    expect(() => limit.admit('user', 'c')).toThrow(/as many as/);
  });

  it('is none at 0', () => {
    const limit = limitOf(0);
    for (let index = 0; index < 100; index += 1) limit.admit('user', `i${index}`);
    expect(refused).toBe(0);
  });
});
