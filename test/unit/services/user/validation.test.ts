import { describe, expect, it } from '@jest/globals';
import { isEmail } from '../../../../services/user/src/validation.ts';

describe('isEmail', () => {
  it.each([
    'ada@example.com',
    'a@b.co',
    'ada.lovelace+weft@mail.example.co.uk',
    "o'brien@example.ie",
    `${'a'.repeat(64)}@example.com`,
  ])('takes %s', (text) => {
    expect(isEmail(text)).toBe(true);
  });

  it.each([
    '',
    '@',
    'ada',
    'ada@example',
    '@example.com',
    'ada@@example.com',
    '.ada@example.com',
    'ada.@example.com',
    'a..b@example.com',
    'ada@-example.com',
    'ada@example-.com',
    'ada@example..com',
    'ada@example.com.',
    'Ada <ada@example.com>',
    'ada@example.com\n',
    'ada@ex\u0430mple.com',
    `${'a'.repeat(65)}@example.com`,
    `ada@${'b'.repeat(64)}.com`,
  ])('refuses %j', (text) => {
    expect(isEmail(text)).toBe(false);
  });

  it('is quick to refuse what a careless pattern would chew on', () => {
    const started = performance.now();
    expect(isEmail(`${'a.'.repeat(100_000)}@`)).toBe(false);
    expect(isEmail(`a@${'a-'.repeat(120)}`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
