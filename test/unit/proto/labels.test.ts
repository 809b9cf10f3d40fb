import { describe, expect, it } from '@jest/globals';
import { INSTANCE_ID, SERVICE_NAME } from '@weft/proto';

const longest = `a${'b'.repeat(62)}`;

describe('the name of a service', () => {
  it.each(['a', 'a1', 'user-service', 'a--b', longest])('may be %j', (name) => {
    expect(name).toMatch(SERVICE_NAME.pattern);
  });

  it.each(['', '1a', '-a', 'a-', 'A', 'a_b', 'a.b', 'a/b', ' a', 'a\n', `${longest}b`])(
    'may not be %j',
    (name) => {
      expect(name).not.toMatch(SERVICE_NAME.pattern);
    },
  );
});

describe('the id of an instance', () => {
  it.each(['a', '7', '7a-b', '3b241101-e2bb-4255-8caf-4136c566a962', `1${'b'.repeat(62)}`])(
    'may be %j',
    (id) => {
      expect(id).toMatch(INSTANCE_ID.pattern);
    },
  );

  it.each(['', '-7', '7-', 'A', '7_b', '7\n', `1${'b'.repeat(63)}`])('may not be %j', (id) => {
    expect(id).not.toMatch(INSTANCE_ID.pattern);
  });
});

it('is told in the error as the pattern has it: 63 characters', () => {
  for (const { mustBe, pattern } of [SERVICE_NAME, INSTANCE_ID]) {
    const most = Number(/(\d+) characters/.exec(mustBe)?.[1]);
    expect('a'.repeat(most)).toMatch(pattern);
    expect('a'.repeat(most + 1)).not.toMatch(pattern);
  }
});
