import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';

const scripts = join(import.meta.dirname, '..', '..', '..', 'scripts');

// They run before the pinned Node is there, on whatever the machine has from 20.0 on.
it.each(['setup.mjs', 'generate.mjs'])('%s uses nothing that Node 20.0 lacks', (name) => {
  const source = readFileSync(join(scripts, name), 'utf8');
  // `import.meta.dirname` and `.filename` came with 20.11.
  expect(source.match(/import\.meta\.(?!url\b)\w+/g)).toBeNull();
  expect(source.match(/from '(?!node:|\.\/generate\.mjs)[^']*'/g)).toBeNull();
});
