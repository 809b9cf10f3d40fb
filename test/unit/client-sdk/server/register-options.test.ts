import { describe, expect, it } from '@jest/globals';
import { InstanceStatus, InstanceType } from '@weft/proto/registry';
import {
  type RegisterOptions,
  resolveRegisterOptions,
} from '../../../../client-sdk/src/server/register-options.ts';

const least: RegisterOptions = { name: 'pages', host: '127.0.0.1', port: 8080 };

describe('the options of mesh.register', () => {
  it('have defaults', () => {
    const { instance, ...config } = resolveRegisterOptions(least);
    expect(config).toEqual({
      isGrpc: true,
      ttlSeconds: 10,
      acknowledgeMs: 30_000,
      settleMs: 300,
    });
    expect(instance).toMatchObject({
      service: 'pages',
      address: { host: '127.0.0.1', port: 8080 },
      type: InstanceType.INSTANCE_TYPE_API,
      status: InstanceStatus.INSTANCE_STATUS_RUNNING,
      weight: 1,
      metadata: new Map(),
    });
    expect(instance.id).not.toBe(resolveRegisterOptions(least).instance.id);
  });

  it('label what speaks no gRPC, and the slot; a program of no SDK is not asked who it is', () => {
    const options: RegisterOptions = { ...least, protocol: 'http', slot: 'pages-1' };
    const { instance, isGrpc } = resolveRegisterOptions({ ...options, metadata: { team: 'a' } });
    expect(isGrpc).toBe(false);
    expect([...instance.metadata].sort()).toEqual([
      ['team', 'a'],
      ['weft.protocol', 'http'],
      ['weft.slot', 'pages-1'],
    ]);
  });

  it.each([
    [{ name: 'pages', host: '127.0.0.1' }, /port is missing; it has no default/],
    [{ ...least, port: 0 }, /port must be the port that the program listens on, not 0/],
    [{ ...least, port: 65_536 }, /port must be/],
    [{ ...least, host: 'a b' }, /host must be/],
    [{ ...least, host: '0.0.0.0' }, /host must be an address that clients can reach/],
    [{ ...least, host: '10.0.0.300' }, /host must be a host name/],
    [{ ...least, name: 'Pages' }, /name must be/],
    [{ ...least, protocol: 'udp' }, /protocol must be grpc, http, tcp/],
    [{ ...least, metadata: { 'weft.protocol': 'x' } }, /metadata\["weft\.protocol"\] is reserved/],
    [{ ...least, prot: 'http' }, /prot is no known field/],
  ])('are refused: %j', (options, message) => {
    expect(() => resolveRegisterOptions(options as RegisterOptions)).toThrow(message);
  });
});
