import { describe, expect, it } from '@jest/globals';
import { importsOf, packageOf } from '../../../scripts/check/imports.ts';

describe('importsOf', () => {
  it('finds every form of import with its line', () => {
    const text = `import 'side-effect';
import type { A } from '@scope/types/sub';
import * as b from 'namespace';
export { c } from './file.ts';
export {
  d,
  e,
} from 'many-lines';
const f = await import('dynamic');
const g = import.meta.resolve('@weft/registry/main');
const text = "import { not } from 'a string'";
`;
    expect(importsOf(text).map(({ from, line }) => `${line} ${from}`)).toEqual([
      '1 side-effect',
      '2 @scope/types/sub',
      '3 namespace',
      '4 ./file.ts',
      '5 many-lines',
      '9 dynamic',
      '10 @weft/registry/main',
    ]);
  });

  it('tells the package of a module', () => {
    expect(packageOf('@weft/proto/user')).toBe('@weft/proto');
    expect(packageOf('etcd3/lib/rpc')).toBe('etcd3');
    expect(packageOf('node:fs')).toBeUndefined();
    expect(packageOf('../errors.ts')).toBeUndefined();
  });
});
