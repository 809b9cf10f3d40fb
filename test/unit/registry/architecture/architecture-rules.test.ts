import { expect, it } from '@jest/globals';
import { Architecture, PublishArchitectureRequest } from '@weft/proto/architecture';
import { checkPublication } from '../../../../registry/src/architecture/architecture-rules.ts';

const publication = (over: object) =>
  PublishArchitectureRequest.fromPartial({ architecture: {}, ...over });

it('takes an architecture', () => {
  const services = [{ name: 'a', offers: ['x.Y'] }];
  expect(() => checkPublication(publication({ architecture: { services } }))).not.toThrow();
});

it.each([
  ['architecture: must be set', { architecture: undefined }],
  ['source: must be at most 1000', { source: 'x'.repeat(1001) }],
  ['architecture.services: must be at most 500', { services: Array(501).fill({}) }],
  ['architecture.nodes[1].address: must be', { nodes: [{}, { address: 'x'.repeat(1001) }] }],
  ['architecture.services[0].offers: must be', { services: [{ offers: Array(501).fill('x') }] }],
  ['rules: must be at most 100', { rules: Array(101).fill({}) }],
  ['rules[0].breaches: must be at most 100', { rules: [{ breaches: Array(101).fill({}) }] }],
  ['rules[0].breaches[0].message', { rules: [{ breaches: [{ message: 'x'.repeat(1001) }] }] }],
])('refuses what is too much: %s', (message, over) => {
  const sets = Object.keys(Architecture.fromPartial({}));
  const isSet = Object.keys(over).some((name) => sets.includes(name));
  const request = publication(isSet ? { architecture: over } : over);
  expect(() => checkPublication(request)).toThrow(message);
});
