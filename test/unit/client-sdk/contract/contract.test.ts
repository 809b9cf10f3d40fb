import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { RegistryServiceDefinition } from '@weft/proto/registry';
import { UserServiceDefinition } from '@weft/proto/user';
import {
  type MethodTraits,
  methodsOf,
  serviceNameOf,
} from '../../../../client-sdk/src/contract/contract.ts';
import { loadContracts } from '../../../../client-sdk/src/contract/load-contracts.ts';

const protoFolder = join(import.meta.dirname, '../../../../proto');

function byPath(methods: readonly MethodTraits[]): Record<string, MethodTraits> {
  return Object.fromEntries(methods.map((method) => [method.path, method]));
}

describe('serviceNameOf', () => {
  it.each([
    ['UserService', 'user-service'],
    ['User', 'user'],
    ['HTTPGatewayService', 'http-gateway-service'],
    ['Ledger2Service', 'ledger2-service'],
    ['userService', 'user-service'],
  ])('%s is offered by %s', (name, service) => {
    expect(serviceNameOf({ ...UserServiceDefinition, name })).toBe(service);
  });
});

describe('methodsOf', () => {
  it('reads a generated contract', () => {
    const methods = byPath(methodsOf(UserServiceDefinition));
    expect(methods['/user.v1.UserService/GetUser']).toMatchObject({
      type: 'unary',
      isIdempotent: true,
    });
    expect(methods['/user.v1.UserService/CreateUser']).toMatchObject({
      type: 'unary',
      isIdempotent: false,
    });
    const watch = byPath(methodsOf(RegistryServiceDefinition));
    expect(watch['/weft.registry.v1.RegistryService/Watch']?.type).toBe('server_stream');
  });

  it('reads the same from the same contract loaded at run time, with enums as text or numbers', async () => {
    const file = join(protoFolder, 'user/v1/user.proto');
    for (const enums of [String, undefined]) {
      const loaded = await loadContracts([file], {
        includeDirs: [protoFolder],
        enums: enums as never,
      });
      const contract = loaded['user.v1.UserService'];
      if (contract === undefined) throw new Error('not loaded');
      expect(byPath(methodsOf(contract))).toEqual(byPath(methodsOf(UserServiceDefinition)));
    }
  });
});
