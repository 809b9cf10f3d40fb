import { describe, expect, it, jest } from '@jest/globals';
import {
  EventType,
  GetServiceResponse,
  Instance,
  ListInstancesResponse,
  RegistryServiceDefinition,
  WatchResponse,
} from '@weft/proto/registry';
import { encodedBatch, SharedEncodingDefinition } from '../../../registry/src/shared-encoding.ts';
import { storedInstance } from './fixtures.ts';

const { getService, listInstances, watch } = SharedEncodingDefinition.methods;
const instances = ['a', 'b'].map((id) => storedInstance({ id }));
const events = instances.map((instance, index) => ({
  type: index === 0 ? EventType.EVENT_TYPE_PUT : EventType.EVENT_TYPE_DELETE,
  instance,
  revision: 5n + BigInt(index),
}));
const flags = { stale: true, acknowledge: true };

describe('answers of which parts are encoded once', () => {
  it.each([
    ['an empty service', { service: 's', instances: [], revision: 7n, stale: false }],
    ['a service', { service: 's', instances, revision: 7n, stale: true }],
  ])('are read as they were meant: %s', (_, answer) => {
    const bytes = getService.responseType.encode(answer).finish();
    expect(GetServiceResponse.decode(bytes)).toEqual(
      GetServiceResponse.decode(GetServiceResponse.encode(answer).finish()),
    );
    const page = { ...answer, nextPageToken: 'next' };
    expect(ListInstancesResponse.decode(listInstances.responseType.encode(page).finish())).toEqual(
      ListInstancesResponse.decode(ListInstancesResponse.encode(page).finish()),
    );
  });

  const history = '1c2f';

  it.each<[string, WatchResponse]>([
    ['a snapshot', { snapshot: { instances, revision: 7n, more: true, history }, ...flags }],
    [
      'an empty snapshot',
      { snapshot: { instances: [], revision: 0n, more: false, history }, ...flags },
    ],
    ['events', { events: { events, revision: 6n }, ...flags }],
    ['progress', { progress: { revision: 6n }, stale: false, acknowledge: false }],
  ])('are read as they were meant: %s', (_, message) => {
    const bytes = watch.responseType.encode(message).finish();
    expect(WatchResponse.decode(bytes)).toEqual(
      WatchResponse.decode(WatchResponse.encode(message).finish()),
    );
  });

  it('are the same bytes for all who get the same events', () => {
    const encode = jest.spyOn(Instance, 'encode');
    const event = (id: string) => ({
      type: EventType.EVENT_TYPE_PUT,
      instance: storedInstance({ id }),
      revision: 5n,
    });
    const [a, b, c, d] = [event('a'), event('b'), event('c'), event('d')];
    const bytesOf = (of: (typeof a)[], over = {}) => {
      const events = { events: of, revision: 5n };
      return encodedBatch({ events, stale: false, acknowledge: false, ...over }, events);
    };
    const bytes = bytesOf([a, b, d]);
    for (let watcher = 0; watcher < 1000; watcher += 1) expect(bytesOf([a, b, d])).toBe(bytes);
    expect(encode).toHaveBeenCalledTimes(3);
    const others = [bytesOf([a, c, d]), bytesOf([a, b]), bytesOf([a, b, d], { stale: true })];
    for (const other of others) expect(other).not.toEqual(bytes);
    expect(bytesOf([a, b, d])).toEqual(bytes);
    expect(encode).toHaveBeenCalledTimes(4);
    encode.mockRestore();
  });

  it('belong to the very contract', () => {
    const paths = ({ methods }: typeof RegistryServiceDefinition) =>
      Object.values(methods).map(({ name, requestType }) => [name, requestType]);
    expect(paths(SharedEncodingDefinition)).toEqual(paths(RegistryServiceDefinition));
  });
});
