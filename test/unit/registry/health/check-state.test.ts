import { describe, expect, it } from '@jest/globals';
import { Health } from '@weft/proto/registry';
import { CheckState, type Finding } from '../../../../registry/src/health/check-state.ts';

const { HEALTH_UNSPECIFIED, HEALTH_SERVING, HEALTH_NOT_SERVING } = Health;

/** The health after each of the looks. */
function healthAfter(...looks: Finding[]): Health[] {
  const state = new CheckState();
  return looks.map((look) => state.observe(look));
}

describe('the looks at an instance', () => {
  it('bring it up at once, and down at the second failure in a row', () => {
    expect(healthAfter('serving', 'silent', 'silent', 'serving')).toEqual([
      HEALTH_SERVING,
      HEALTH_SERVING,
      HEALTH_NOT_SERVING,
      HEALTH_SERVING,
    ]);
  });

  it('say nothing after one failure', () => {
    expect(healthAfter('refusing', 'silent')).toEqual([HEALTH_UNSPECIFIED, HEALTH_NOT_SERVING]);
  });

  it('leave one up that fails every other time', () => {
    const found = healthAfter('serving', 'silent', 'serving', 'refusing', 'serving', 'silent');
    expect(new Set(found)).toEqual(new Set([HEALTH_SERVING]));
  });
});
