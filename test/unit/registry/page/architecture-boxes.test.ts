import { expect, it } from '@jest/globals';
import {
  architectureBoxes,
  interfaceId,
  serviceId,
} from '../../../../registry/src/page/architecture-boxes.ts';
import type { WireArchitecture } from '../../../../registry/src/page/wire.ts';

const nodes = Array.from({ length: 9 }, (_, index) => ({
  service: 'user-service',
  instance: `user-${index}`,
  address: `10.0.0.1:${index}`,
  isLive: index > 0,
}));

const architecture: WireArchitecture = {
  source: 'a test',
  time: 0,
  services: [
    { name: 'user-service', offers: ['user.v1.UserService'], dependencies: [], isDeclared: true },
    { name: 'shop', offers: [], dependencies: ['user-service'], isDeclared: false },
  ],
  interfaces: [],
  stores: [{ service: 'user-service', name: 'data/users.db' }],
  configuration: [{ service: 'user-service', name: 'A', value: '1' }],
  nodes,
  calls: [
    {
      caller: 'shop',
      interface: 'user.v1.UserService',
      provider: 'user-service',
      sources: ['observed'],
    },
    { caller: 'shop', interface: '', provider: 'lost', sources: ['declared'] },
  ],
  rules: [
    { id: 'x', holds: 'y', verdict: 'broken', breaches: [{ services: ['shop'], message: 'z' }] },
  ],
};

it('puts on each service what it has, within its box, and says how many there are of what is too much', () => {
  const [user, shop, lost] = architectureBoxes(architecture).services;
  const labels = user?.parts.map(({ label }) => label);
  expect(labels?.slice(0, 3)).toEqual(['user.v1.UserService', 'users.db', '1 setting']);
  expect(labels?.slice(3)).toHaveLength(6);
  expect(labels?.at(-1)).toBe('+ 4 more');
  for (const { offset, width, height } of user?.parts ?? []) {
    expect(Math.abs(offset.x) + width / 2).toBeLessThan((user?.width ?? 0) / 2);
    expect(Math.abs(offset.y) + height / 2).toBeLessThan((user?.height ?? 0) / 2);
  }
  expect(shop).toMatchObject({ isBroken: true, isKnown: false, parts: [] });
  expect(lost).toMatchObject({ name: 'lost', isKnown: false });
});

it('draws the map to interfaces where they are known, and tells how it is known', () => {
  expect(architectureBoxes(architecture).arrows).toMatchObject([
    { target: interfaceId('user-service', 'user.v1.UserService'), how: 'undeclared' },
    { from: serviceId('shop'), target: serviceId('lost'), how: 'declared' },
  ]);
});
