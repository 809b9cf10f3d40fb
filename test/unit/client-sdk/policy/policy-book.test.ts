import { describe, expect, it, jest } from '@jest/globals';
import { ConfigError } from '../../../../client-sdk/src/errors.ts';
import { PolicyBook } from '../../../../client-sdk/src/policy/policy-book.ts';
import type {
  MeshPolicies,
  ServicePolicy,
  SitePolicy,
} from '../../../../client-sdk/src/policy/service-policy.ts';
import { UserServiceDefinition } from '../../../../proto/gen/user/v1/user.ts';

const USERS = 'user-service';

function bookOf(code: MeshPolicies, environment: MeshPolicies = {}): PolicyBook {
  return new PolicyBook([{ policies: code }, { name: '$WEFT_POLICIES', policies: environment }]);
}

describe('PolicyBook', () => {
  it('resolves once per service', () => {
    const book = bookOf({ defaults: { strategy: 'random' } });
    expect(book.policyOf(USERS)).toBe(book.policyOf(USERS));
    expect(book.policyOf(USERS)).toMatchObject({ strategy: 'random' });
    expect(book.policyOf('constructor')).toMatchObject({ strategy: 'random' });
  });

  it('lets the environment stand over code, and one service over all', () => {
    const book = bookOf(
      {
        defaults: { strategy: 'random', maxInFlight: 1, defaultDeadlineMs: 1 },
        services: { [USERS]: { strategy: 'least_connections', maxInFlightPerInstance: 1 } },
      },
      {
        defaults: { strategy: 'round_robin', defaultDeadlineMs: 2 },
        services: { [USERS]: { maxInFlightPerInstance: 2 } },
      },
    );
    expect(book.policyOf('order-service')).toMatchObject({
      strategy: 'round_robin',
      maxInFlight: 1,
      defaultDeadlineMs: 2,
      maxInFlightPerInstance: 1000,
    });
    expect(book.policyOf(USERS)).toMatchObject({
      strategy: 'least_connections',
      maxInFlight: 1,
      defaultDeadlineMs: 2,
      maxInFlightPerInstance: 2,
    });
  });

  it('puts what one client asks for over code and under the environment', () => {
    const book = bookOf(
      { services: { [USERS]: { strategy: 'random', defaultDeadlineMs: 1 } } },
      { services: { [USERS]: { defaultDeadlineMs: 2 } } },
    );
    const own: SitePolicy = { strategy: 'least_connections', defaultDeadlineMs: 3 };
    expect(book.policyOf(USERS, own)).toMatchObject({
      strategy: 'least_connections',
      defaultDeadlineMs: 2,
    });
    expect(book.policyOf(USERS)).toMatchObject({ strategy: 'random' });
  });

  it('sets a policy while it runs, over all said before, and tells of it', () => {
    const book = bookOf({}, { services: { [USERS]: { strategy: 'random', maxInFlight: 2 } } });
    const listener = jest.fn();
    const end = book.onChange(listener);
    const policy: ServicePolicy = { strategy: 'least_connections', retry: { maxAttempts: 2 } };
    book.set(USERS, policy);
    policy.strategy = 'round_robin';
    expect(book.policyOf(USERS)).toMatchObject({
      strategy: 'least_connections',
      maxInFlight: 2,
      retry: { maxAttempts: 2 },
    });
    book.set(USERS, { maxInFlight: 5 });
    expect(book.policyOf(USERS)).toMatchObject({ strategy: 'random', maxInFlight: 5 });
    expect(listener.mock.calls).toEqual([[USERS], [USERS]]);
    end();
    book.set(USERS, {});
    expect(book.policyOf(USERS)).toMatchObject({ maxInFlight: 2 });
    expect(listener).toHaveBeenCalledTimes(2);
  });

  it('F40: refuses a wrong policy whole and keeps the previous one', () => {
    const book = bookOf({});
    book.set(USERS, { strategy: 'random' });
    const before = book.policyOf(USERS);
    const listener = jest.fn();
    book.onChange(listener);
    for (const [setting, policy] of [
      ['retry.maxAttempts', { strategy: 'least_connections', retry: { maxAttempts: 99 } }],
      ['strategy', { maxInFlight: 5, strategy: 'nearest' }],
      ['colour', { maxInFlight: 5, colour: 'red' }],
    ] as const) {
      expect(() => book.set(USERS, policy as ServicePolicy)).toThrow(ConfigError);
      expect(() => book.set(USERS, policy as ServicePolicy)).toThrow(
        `services.user-service.${setting} `,
      );
    }
    expect(() => book.set('User', {})).toThrow('service must be a DNS label');
    expect(book.policyOf(USERS)).toBe(before);
    expect(listener).not.toHaveBeenCalled();
  });
});

describe('PolicyBook and contracts', () => {
  const twice = { methods: { CreateUser: { retry: { maxAttempts: 2 } } } };

  it('refuses to have a method sent twice that its contract does not mark idempotent', () => {
    const book = bookOf({}, { services: { [USERS]: twice } });
    expect(() => book.learn(USERS, UserServiceDefinition)).toThrow(
      '$WEFT_POLICIES: services.user-service.methods.CreateUser.retry must be left out: the contract does not mark CreateUser idempotent',
    );
    expect(bookOf({ services: { [USERS]: twice } }).learn('guests', UserServiceDefinition)).toEqual(
      [],
    );
  });

  it('F40: refuses that in a later change too', () => {
    const book = bookOf({});
    book.learn(USERS, UserServiceDefinition);
    const before = book.policyOf(USERS);
    expect(() => book.set(USERS, twice)).toThrow('methods.CreateUser.retry must be left out');
    expect(book.policyOf(USERS)).toBe(before);
    book.set(USERS, { methods: { getUser: { retry: {} }, CreateUser: { retry: false } } });
  });

  it('tells of methods that no contract has', () => {
    const book = bookOf({}, { services: { [USERS]: { methods: { GetUsr: {}, Ping: {} } } } });
    expect(book.learn(USERS, UserServiceDefinition)).toEqual([
      '$WEFT_POLICIES: services.user-service.methods.GetUsr is no method of the contract; did you mean GetUser?',
      '$WEFT_POLICIES: services.user-service.methods.Ping is no method of the contract; there are CreateUser, GetUser, ListUsers',
    ]);
  });
});
