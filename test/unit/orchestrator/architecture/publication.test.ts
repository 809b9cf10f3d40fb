import { expect, it } from '@jest/globals';
import { publicationOf } from '../../../../orchestrator/src/architecture/publication.ts';
import { checkPublication } from '../../../../registry/src/architecture/architecture-rules.ts';

const nothing = {
  services: [],
  interfaces: [],
  stores: [],
  configuration: [],
  nodes: [],
  map: [],
};

it('tells as many breaches as a registry takes, and how many more there are', () => {
  const findings = Array.from({ length: 105 }, (_, index) => ({
    rule: 'data-isolation',
    services: ['a', 'b'],
    message: `breach ${index}`,
  }));
  const published = publicationOf({ architecture: nothing, findings } as never, 'weft.yaml');
  const told = published.rules.find(({ id }) => id === 'data-isolation')?.breaches ?? [];
  expect(told).toHaveLength(100);
  expect(told.at(-1)).toEqual({ services: [], message: 'and 6 more' });
  expect(() => checkPublication(published)).not.toThrow();
});
