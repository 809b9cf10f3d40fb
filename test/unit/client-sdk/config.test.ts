import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type MeshOptions, resolveConfig } from '../../../client-sdk/src/config.ts';
import { ConfigError } from '../../../client-sdk/src/errors.ts';

const before = process.env.WEFT_REGISTRY;

beforeEach(() => {
  delete process.env.WEFT_REGISTRY;
});

afterEach(() => {
  if (before === undefined) delete process.env.WEFT_REGISTRY;
  else process.env.WEFT_REGISTRY = before;
});

function failureOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

describe('resolveConfig', () => {
  it('fills in the defaults', () => {
    expect(resolveConfig({})).toMatchObject({
      registry: ['localhost:7400'],
      strategy: 'round_robin',
      breaker: { failures: 5, resetMs: 60_000, probeTimeoutMs: 10_000, windowMs: 10_000 },
      defaultDeadlineMs: 2000,
      discoveryTtlMs: 60_000,
    });
  });

  it('takes registry replicas as a list, a string, or from $WEFT_REGISTRY', () => {
    process.env.WEFT_REGISTRY = 'a:1, b:2';
    expect(resolveConfig({}).registry).toEqual(['a:1', 'b:2']);
    expect(resolveConfig({ registry: 'c:3,[::1]:4' }).registry).toEqual(['c:3', '[::1]:4']);
    expect(resolveConfig({ registry: ['d:5'] }).registry).toEqual(['d:5']);
  });

  it('does not touch the options it is given', () => {
    const options: MeshOptions = Object.freeze({ breaker: Object.freeze({ failures: 3 }) });
    expect(resolveConfig(options).breaker.failures).toBe(3);
  });

  it.each<[string, object]>([
    ['registry', { registry: '' }],
    ['registry', { registry: [] }],
    ['registry', { registry: 'localhost' }],
    ['registry', { registry: 'localhost:0' }],
    ['registry', { registry: 'localhost:65536' }],
    ['registry', { registry: 'http://localhost:7400' }],
    ['registry', { registry: 'a:1,,b:2' }],
    ['registry', { registry: '::1:7400' }],
    ['strategy', { strategy: 'round-robin' }],
    ['strategy', { strategy: 'constructor' }],
    ['breaker.failures', { breaker: { failures: 0 } }],
    ['breaker.failures', { breaker: { failures: 1.5 } }],
    ['breaker.resetMs', { breaker: { resetMs: -1 } }],
    ['breaker.resetMs', { breaker: { resetMs: Number.NaN } }],
    ['breaker.probeTimeoutMs', { breaker: { probeTimeoutMs: 2 ** 31 } }],
    ['defaultDeadlineMs', { defaultDeadlineMs: 0 }],
    ['defaultDeadlineMs', { defaultDeadlineMs: 0.5 }],
    ['discoveryTtlMs', { discoveryTtlMs: Infinity }],
  ])('names %s when it is given %j', (setting, options) => {
    const error = failureOf(() => resolveConfig(options as MeshOptions));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({
      code: 'INVALID_CONFIG',
      setting,
      message: expect.stringContaining(`${setting} must be`),
    });
  });

  it('names the variable when that is what is wrong', () => {
    process.env.WEFT_REGISTRY = 'nowhere';
    expect(failureOf(() => resolveConfig({}))).toMatchObject({
      setting: '$WEFT_REGISTRY',
      message: expect.stringContaining("not 'nowhere'"),
    });
  });
});
