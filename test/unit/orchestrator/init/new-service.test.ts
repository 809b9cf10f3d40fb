import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { serviceNames } from '../../../../orchestrator/src/init/service-names.ts';
import { newServiceFiles } from '../../../../orchestrator/src/init/template.ts';
import { parseTopology } from '../../../../orchestrator/src/topology/parse-topology.ts';
import { root } from '../../../../scripts/tools/program.ts';

const PACKAGES = new Map(
  ['proto', 'client-sdk', 'registry', 'orchestrator'].map((name) => [`@weft/${name}`, '1.2.3']),
);

it.each([
  ['hello', 'hello', 'HelloService'],
  ['guest-book', 'guest_book', 'GuestBookService'],
  ['user-service', 'user', 'UserService'],
  ['service', 'service', 'ServiceService'],
  ['a2-b', 'a2_b', 'A2BService'],
])('a service called %s offers %s.v1.%s', (name, pack, service) => {
  expect(serviceNames(name)).toEqual({ name, package: pack, service });
});

it('stands in files that name it, with a weft.yaml that can be read', () => {
  const files = newServiceFiles(serviceNames('guest-book'), PACKAGES);
  expect(files.get('proto/guest_book/v1/guest_book.proto')).toMatch(/^service GuestBookService {/m);
  expect(files.get('.gitignore')).toMatch(/^node_modules\/$/m);
  expect([...files.values()].join('')).not.toMatch(/\{\{|\}\}/);
  const [service] = parseTopology(files.get('weft.yaml') ?? '', 'weft.yaml').services;
  expect(service).toMatchObject({ name: 'guest-book', offers: ['guest_book.v1.GuestBookService'] });
});

it('asks for the packages of others in the versions that Weft itself is tried with', () => {
  const files = newServiceFiles(serviceNames('hello'), PACKAGES);
  const asked = JSON.parse(files.get('package.json') ?? '');
  const known = ['', 'proto', 'client-sdk'].map((folder) =>
    JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
  );
  const versions = Object.assign(
    {},
    ...known.flatMap(({ dependencies, devDependencies }) => [dependencies, devDependencies]),
  );
  for (const [name, version] of Object.entries({
    ...asked.dependencies,
    ...asked.devDependencies,
  })) {
    expect(`${name} ${version}`).toBe(`${name} ${PACKAGES.get(name) ?? versions[name]}`);
  }
});
