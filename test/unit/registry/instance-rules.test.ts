import { networkInterfaces } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { isLoopback, isOwnAddress, peerHost } from '../../../registry/src/address-rules.ts';
import { describeProblems } from '../../../registry/src/instance-rules.ts';
import { describedInstance } from './fixtures.ts';

const host = (name: string) => describedInstance({ address: { host: name, port: 1 } });
const port = (number: number) => describedInstance({ address: { host: 'h', port: number } });
const labels = (...entries: [string, string][]) => ({ metadata: new Map(entries) });

describe('what an instance must be', () => {
  it.each(['user', 'user-service', 'a', 'a1', 'a'.repeat(63)])(
    'takes the service %s',
    (service) => {
      expect(describeProblems(describedInstance({ service }))).toBe('');
    },
  );

  it.each([
    '',
    'a'.repeat(64),
    'a/b',
    '..',
    'a\0b',
    'a\nb',
    'User',
    'usеr', // a Cyrillic letter
    '1user',
    '-user',
    'user-',
    'user.service',
    'user_service',
  ])('B1-B4: refuses the service %j', (service) => {
    expect(describeProblems(describedInstance({ service }))).toMatch(/^instance\.service: /);
  });

  it.each(['', 'A', '../x', 'a/b', 'a'.repeat(64)])('B1-B4: refuses the id %j', (id) => {
    expect(describeProblems(describedInstance({ id }))).toMatch(/^instance\.id: /);
  });

  it('takes a UUID as id', () => {
    const id = '0b1c9c5e-3f3c-4d3e-9c8e-0d8a2f6f2a11';
    expect(describeProblems(describedInstance({ id }))).toBe('');
  });

  it.each(['10.0.0.1', '::1', '2001:db8::1', 'localhost', 'db.internal', 'my_host', 'A.example'])(
    'takes the host %s',
    (name) => {
      expect(describeProblems(host(name))).toBe('');
    },
  );

  it.each([
    '',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '255.255.255.255',
    'ff02::1',
    '169.254.1.1',
    'fe80::1',
    'fe80::1%eth0',
    '::ffff:0.0.0.0',
    '1.2.3',
    '256.1.1.1',
    '[::1]',
    '1::2::3',
    'a b',
    '-a',
    'a'.repeat(254),
    'http://a',
  ])('B7, B8: refuses the host %j', (name) => {
    expect(describeProblems(host(name))).toMatch(/^instance\.address\.host: /);
  });

  it.each([0, -1, 65_536, 1.5])('B6: refuses the port %d', (number) => {
    expect(describeProblems(port(number))).toMatch(/^instance\.address\.port: /);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 1_000_001])(
    'B11: refuses the weight %d',
    (weight) => {
      expect(describeProblems(describedInstance({ weight }))).toMatch(/^instance\.weight: /);
    },
  );

  it('B13, B14: bounds metadata and takes any key as data', () => {
    const ok = labels(
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['k'.repeat(128), 'v'.repeat(4096)],
    );
    expect(describeProblems(describedInstance(ok))).toBe('');
    for (const bad of [
      labels(['', 'x']),
      labels(['k'.repeat(129), 'x']),
      labels(['a\0', 'x']),
      labels(['k', 'v'.repeat(4097)]),
      labels(...Array.from({ length: 10_000 }, (_, i): [string, string] => [`k${i}`, ''])),
    ]) {
      expect(describeProblems(describedInstance(bad))).toMatch(/^instance\.metadata/);
    }
  });

  it('bounds the rest', () => {
    const problems = describeProblems(
      describedInstance({
        version: 'v'.repeat(65),
        zone: 'a\tb',
        incarnation: 'i'.repeat(65),
        dependencies: ['ok', 'Bad'],
        startTime: new Date(Number.NaN),
      }),
    );
    for (const field of ['version', 'zone', 'incarnation', 'dependencies[1]', 'start_time']) {
      expect(problems).toContain(`instance.${field}: `);
    }
  });
});

describe('addresses', () => {
  it('knows this machine', () => {
    const local = ['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'];
    expect(local.map(isLoopback)).toEqual(local.map(() => true));
    expect(['10.0.0.1', 'db', '::2'].map(isLoopback)).toEqual([false, false, false]);
  });

  it('knows the other addresses of this machine', () => {
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    expect(own.map(({ address }) => isOwnAddress(address))).toEqual(own.map(() => true));
    expect(isOwnAddress('192.0.2.1')).toBe(false);
  });

  it('reads the host of a peer', () => {
    const peers = ['127.0.0.1:5', '[::1]:5', 'ipv6:[::1]:5', 'ipv4:10.0.0.1:5', '::1:5'];
    expect(peers.map(peerHost)).toEqual(['127.0.0.1', '::1', '::1', '10.0.0.1', '::1']);
  });
});
