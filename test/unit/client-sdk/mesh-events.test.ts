import { describe, expect, it, jest } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { createMeshEvents, observerOf } from '../../../client-sdk/src/mesh-events.ts';
import { endpoint } from './fixtures.ts';

describe('observerOf', () => {
  it('tells every listener though one throws, once those that asked for once', () => {
    const events = createMeshEvents();
    const log = { ...silentLog, error: jest.fn() };
    const [once, always] = [jest.fn(), jest.fn()];
    const thrown = new Error('broken listener');
    events.on('instanceReturned', () => {
      throw thrown;
    });
    events.once('instanceReturned', once);
    events.on('instanceReturned', always);
    const each = endpoint('a');
    const observer = observerOf('echo', events, log);
    observer.returned(each);
    observer.returned(each);
    observer.breakerChanged(each, 'closed', 'open');
    expect(once.mock.calls).toEqual([[{ service: 'echo', instanceId: 'a' }]]);
    expect(always).toHaveBeenCalledTimes(2);
    expect(log.error).toHaveBeenCalledTimes(2);
    expect(log.error).toHaveBeenCalledWith(
      { err: thrown },
      expect.stringContaining('instanceReturned'),
    );
    each.breaker.dispose();
  });
});
