import { describe, expect, it } from '@jest/globals';
import { checkServiceName } from '../../../../client-sdk/src/discovery/service-name.ts';
import { ConfigError } from '../../../../client-sdk/src/errors.ts';

describe('checkServiceName', () => {
  it.each(['a', 'user-service', 'a'.repeat(63), 'v2'])('takes %j', (name) => {
    checkServiceName(name);
  });

  it.each(['', 'A', 'User', 'a_b', '-a', 'a-', '2a', 'a/b', '../a', 'a\n', 'a'.repeat(64), 'üser'])(
    'refuses %j',
    (name) => {
      expect(() => checkServiceName(name)).toThrow(ConfigError);
    },
  );
});
