import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { nodeFault } from '../../../proto/src/node-fault.ts';
import { root } from '../../../scripts/tools/program.ts';

it.each(['v22.18.0', 'v23.0.0', 'v24.21.0', 'v100.0.0'])('Node %s runs Weft', (version) => {
  expect(nodeFault(version)).toBeUndefined();
});

it.each(['v22.17.1', 'v20.20.2', 'v8.0.0'])('Node %s is refused', (version) => {
  expect(nodeFault(version)).toMatch(`weft needs Node 22.18 or newer, and this is ${version}.`);
});

it('the oldest Node is the one that package.json names', () => {
  const { engines } = JSON.parse(readFileSync(join(root, 'orchestrator/package.json'), 'utf8'));
  const oldest = `v${engines.node.replace('>=', '')}.0`;
  expect(nodeFault(oldest)).toBeUndefined();
});
