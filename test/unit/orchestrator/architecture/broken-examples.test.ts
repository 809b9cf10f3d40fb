import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { LiveFacts } from '../../../../orchestrator/src/architecture/live-facts.ts';
import { RULES } from '../../../../orchestrator/src/architecture/rules/index.ts';
import { verifyArchitecture } from '../../../../orchestrator/src/architecture/verify-architecture.ts';
import { meshFolder } from '../../../../orchestrator/src/mesh-folder.ts';
import { loadTopology } from '../../../../orchestrator/src/topology/load-topology.ts';
import { parseArchitecture } from '../../../../orchestrator/src/topology/parse-topology.ts';

const folder = join(import.meta.dirname, '../../../fixtures/architecture');

/** An example: its own weft.yaml, else the sound one; with the mesh as it is where there is a `.live.json`. */
function findingsOf(name: string) {
  const [yaml, live] = [join(folder, `${name}.yaml`), join(folder, `${name}.live.json`)];
  const topology = loadTopology(
    existsSync(yaml) ? yaml : join(folder, 'sound.yaml'),
    parseArchitecture,
  );
  const facts = existsSync(live)
    ? (JSON.parse(readFileSync(live, 'utf8')) as LiveFacts)
    : undefined;
  return verifyArchitecture(topology, meshFolder(join(folder, '.weft')), facts).findings;
}

const examples: [name: string, rule: string, services: string[], message: RegExp][] = [
  [
    'single-responsibility',
    'single-responsibility',
    ['order-service'],
    /^order-service offers interfaces of 2 domains, order\.v1\.OrderService and payment\.v1\.Payment/,
  ],
  [
    'interface-shared',
    'interface-shared',
    ['user-service', 'member-service'],
    /^user\.v1\.UserService is offered by user-service and member-service/,
  ],
  [
    'interface-undescribed',
    'interface-undescribed',
    ['guest-service'],
    /^guest-service offers guest\.v1\.GuestService, which no contract describes/,
  ],
  ['interface-unoffered', 'interface-unoffered', [], /^nobody offers payment\.v1\.PaymentService/],
  [
    'shared-file',
    'data-isolation',
    ['user-service', 'order-service'],
    /'data\/users\.db' is 'file:\.\/data\/\.\.\/data\/users\.db\?mode=ro'/,
  ],
  [
    'shared-folder',
    'data-isolation',
    ['user-service', 'order-service'],
    /'\.weft\/data\/user-service' is around '\.weft\/data\/user-service\/orders\.db'/,
  ],
  [
    'shared-server',
    'data-isolation',
    ['order-service', 'payment-service'],
    /'postgresql:\/\/\*\*\*@DB\.local:5432\/payments\/\?sslmode=require' is 'postgres:\/\/db\.local/,
  ],
  [
    'foreign-store',
    'foreign-store',
    ['order-service', 'user-service'],
    /^USERS of order-service names 'data\/users\.db', a store of user-service/,
  ],
  [
    'unknown-dependency',
    'unknown-dependency',
    ['payment-service'],
    /^payment-service depends on nobody: 'stock-service' is no service here/,
  ],
  [
    'dependency-cycle',
    'dependency-cycle',
    ['user-service', 'payment-service', 'order-service'],
    /: user-service -> payment-service -> order-service -> user-service$/,
  ],
  ['foreign-health', 'own-health', ['order-service'], /asks for 'user\.v1\.UserService', which/],
  [
    'no-health',
    'own-health',
    ['user-service'],
    /^user-1 of user-service offers no grpc\.health\.v1\.Health/,
  ],
  [
    'undeclared-call',
    'undeclared-dependency',
    ['payment-service', 'user-service'],
    /does not say: it calls it for user\.v1\.UserService; add it/,
  ],
  [
    'undeclared-listing',
    'undeclared-dependency',
    ['user-service', 'payment-service'],
    /does not say: it lists it when it registers; add it/,
  ],
  [
    'unknown-service',
    'unknown-service',
    ['shadow-service'],
    /^shadow-service has instances \(shadow-1 at 10\.0\.0\.9:4001\)/,
  ],
  [
    'offers-differ',
    'offers-differ',
    ['order-service'],
    /^order-1 of order-service offers order\.v1\.OrderService and payment\.v1\.PaymentService, where/,
  ],
  ['mixed-versions', 'mixed-versions', ['user-service'], /of versions 1\.0\.0 and 1\.1\.0/],
];

describe('a broken example', () => {
  it.each(examples)('%s is named by %s of %j alone', (name, rule, services, message) => {
    const findings = findingsOf(name);
    expect(findings).toEqual([{ rule, services, message: expect.stringMatching(message) }]);
  });

  it('is there for every rule', () => {
    const shown = new Set(examples.map(([, rule]) => rule));
    expect(RULES.map(({ id }) => id).filter((id) => !shown.has(id))).toEqual([]);
  });
});

it('finds nothing in the sound example, up or not', () => {
  expect(findingsOf('sound')).toEqual([]);
  expect(findingsOf('sound-and-down')).toEqual([]);
});
