import { expect, it } from '@jest/globals';
import { neededModules } from '../../../../registry/src/http/module-preloads.ts';

it('finds all that a module needs before it runs, and nothing that comes when it is time', () => {
  const files: Record<string, string> = {
    '/page/main': "import { a } from './a.ts';\nimport './b.ts';",
    '/page/a.ts': "import x from 'lib';\nconst later = () => import('./later.ts');",
    '/page/b.ts': "import { a } from './a.ts';\nexport * from '../c.ts';",
    '/c.ts': '',
    '/lib.js': 'import{h as t}from"lib/part";import"other";',
  };
  const bare = { lib: '/lib.js', 'lib/part': '/part.js' };
  const needed = neededModules('/page/main', bare, (path) => files[path] ?? '');
  expect(needed).toEqual([
    '/page/main',
    '/page/a.ts',
    '/page/b.ts',
    '/lib.js',
    '/c.ts',
    '/part.js',
  ]);
});
