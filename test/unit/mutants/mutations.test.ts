import { describe, expect, it } from '@jest/globals';
import { mutantsOf, mutated } from '../../mutants/mutations.ts';

/** The file after each change, in the order of the file. */
const variants = (text: string) => mutantsOf('a.ts', text).map((mutant) => mutated(text, mutant));

describe('the small changes of a file', () => {
  it.each([
    ['a < b;', ['a <= b;']],
    ['a === b;', ['a !== b;']],
    ['(a) && b;', ['(a) || b;']],
    ['a ?? b;', ['a && b;']],
    ['a - b * c;', ['a + b * c;', 'a - b / c;']],
    ["a + 'text';", []],
    ['if (a) b;', ['if (!(a)) b;']],
    ['x = a ? b : c;', ['x = !(a) ? b : c;']],
    ['x = !a;', ['x = a;']],
    ['stop();', [';']],
    ['await this.#stop(a);', [';']],
    ['x = stop();', []],
    ['log.info(1, 2);', ['log.info(2, 2);', 'log.info(1, 3);']],
    ['timer.unref();', []],
    ['x = Math.min(a, 7);', ['x = Math.max(a, 7);']],
    ['x = true;', ['x = false;']],
    ['x = [0, 5];', ['x = [1, 5];']],
    ['x = f({ a: b || c });', ['x = f({ a: b && c });']],
    ['const x: true | 1 = y as 2;', []],
  ])('of %j are %j', (text, changed) => {
    expect(variants(text)).toEqual(changed);
  });

  it('are at the right place after characters of several bytes, and comments', () => {
    const text = "/** Größe \u{1f9f5} */\n// more\n\nconst s = 'ü';\nx = a >= b;\n";
    const [mutant] = mutantsOf('a.ts', text);
    expect(mutant).toMatchObject({ file: 'a.ts', line: 5, original: ' >= ', replacement: ' > ' });
    expect(variants(text)).toEqual([text.replace('>=', '>')]);
  });

  it('are found in classes and functions', () => {
    const body = '(c) { for (;;) { if (c > f(d - e)) return; } }';
    for (const text of [
      `class A { static b${body} }`,
      `class A { constructor${body} }`,
      `class A { get b() { return ${body.replace(')', ') =>')}; } }`,
      `function b${body}`,
      `const b = { b${body} };`,
    ]) {
      expect([text, variants(text).length]).toEqual([text, 3]);
    }
  });
});
