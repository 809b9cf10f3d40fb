import { describe, expect, it } from '@jest/globals';
import type { TsProtoServiceDefinition } from 'nice-grpc';
import { ConfigError } from '../../../../client-sdk/src/errors.ts';
import { checkContractPolicy } from '../../../../client-sdk/src/policy/check-contract-policy.ts';
import type { ContractPolicy } from '../../../../client-sdk/src/policy/contract-policy.ts';
import { UserServiceDefinition } from '../../../../proto/gen/user/v1/user.ts';

/** As `mesh.client` takes its options. */
function clientOf<Definition extends TsProtoServiceDefinition>(
  contract: Definition,
  { policy = {} }: { policy?: ContractPolicy<NoInfer<Definition>> } = {},
) {
  return checkContractPolicy(contract, policy);
}

function failureOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

const retry = { maxAttempts: 2 };
const hedging = { delayMs: 5 };

describe('ContractPolicy, where a wrong policy does not compile and is refused at run time', () => {
  it('takes methods by the name of client and contract, with the names of the contract', () => {
    const policy = clientOf(UserServiceDefinition, {
      policy: {
        strategy: 'random',
        retry,
        methods: {
          getUser: { hedging },
          ListUsers: { retry },
          createUser: { defaultDeadlineMs: 500, retry: false, hedging: false },
        },
      },
    });
    expect(policy).toEqual({
      strategy: 'random',
      retry,
      methods: {
        GetUser: { hedging },
        ListUsers: { retry },
        CreateUser: { defaultDeadlineMs: 500, retry: false, hedging: false },
      },
    });
  });

  it('refuses retries of a method that is not idempotent', () => {
    const action = () =>
      clientOf(UserServiceDefinition, {
        // @ts-expect-error createUser is not marked idempotent
        policy: { methods: { createUser: { retry: { maxAttempts: 2 } } } },
      });
    expect(failureOf(action)).toBeInstanceOf(ConfigError);
    expect(failureOf(action)).toMatchObject({
      setting: 'policy.methods.createUser.retry',
      message: expect.stringContaining('must be left out: the contract does not mark CreateUser'),
    });
  });

  it('refuses hedging of a method that is not idempotent, by its other name', () => {
    const action = () =>
      clientOf(UserServiceDefinition, {
        // @ts-expect-error CreateUser is not marked idempotent
        policy: { methods: { CreateUser: { hedging: { delayMs: 5 } } } },
      });
    expect(failureOf(action)).toMatchObject({ setting: 'policy.methods.CreateUser.hedging' });
  });

  it('takes no text for a reason', () => {
    const action = () =>
      clientOf(UserServiceDefinition, {
        // @ts-expect-error the reason in the error is no value
        policy: { methods: { createUser: { retry: 'CreateUser is not marked idempotent' } } },
      });
    expect(failureOf(action)).toMatchObject({ setting: 'policy.methods.createUser.retry' });
  });

  it('refuses a method that the contract does not have', () => {
    const action = () =>
      clientOf(UserServiceDefinition, {
        // @ts-expect-error there is no getUsr
        policy: { methods: { getUsr: { retry: { maxAttempts: 2 } } } },
      });
    expect(failureOf(action)).toMatchObject({
      message: 'policy.methods.getUsr is no method of the contract; did you mean GetUser?',
    });
    for (const name of ['constructor', 'toString', '__proto__']) {
      const policy = { methods: Object.fromEntries([[name, {}]]) };
      expect(() => checkContractPolicy(UserServiceDefinition, policy)).toThrow(
        `policy.methods.${name} is no method of the contract`,
      );
    }
  });

  it('refuses an unknown field, and wrong values', () => {
    const unknown = () =>
      clientOf(UserServiceDefinition, {
        // @ts-expect-error there is no colour
        policy: { colour: 'red' },
      });
    expect(failureOf(unknown)).toMatchObject({ setting: 'policy.colour' });
    const wrong = () => clientOf(UserServiceDefinition, { policy: { retry: { maxAttempts: 99 } } });
    expect(failureOf(wrong)).toMatchObject({ setting: 'policy.retry.maxAttempts' });
  });

  it('refuses what the call sites of a service share, and says where to set it', () => {
    const action = () =>
      clientOf(UserServiceDefinition, {
        // @ts-expect-error the breakers are the service's
        policy: { strategy: 'random', breaker: { failures: 1 } },
      });
    expect(failureOf(action)).toMatchObject({
      setting: 'policy.breaker',
      message:
        'policy.breaker belongs to the service, all of whose call sites share it: set services.<name>.breaker, or mesh.configure',
    });
  });

  it('is left to run time for a contract that is known only then', () => {
    const contract: TsProtoServiceDefinition = UserServiceDefinition;
    expect(clientOf(contract, { policy: { methods: { getUser: { retry } } } })).toBeDefined();
    expect(() => clientOf(contract, { policy: { methods: { createUser: { retry } } } })).toThrow(
      'policy.methods.createUser.retry',
    );
  });
});
