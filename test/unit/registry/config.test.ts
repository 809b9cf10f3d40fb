import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { readConfig } from '../../../registry/src/config.ts';
import {
  addEtcdFlags,
  type EtcdFlags,
  etcdConfig,
} from '../../../registry/src/flags/etcd-flags.ts';
import { parseHostNames, parseReachable } from '../../../registry/src/flags/parsers.ts';
import { type Certificate, TestAuthority } from '../../support/certificates.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** What the flags come to, or the text of the mistake. */
function etcdOf(...words: string[]) {
  const command = addEtcdFlags(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  const fail = (message: string): never => {
    throw new Error(message);
  };
  return etcdConfig(command.parse(words, { from: 'user' }).opts<EtcdFlags>(), fail);
}

describe('the flags for etcd', () => {
  const folder = tempFolder();
  const pem = join(folder.path, 'a.pem');
  const contents = Buffer.from('-----BEGIN CERTIFICATE-----\n');
  const cert = ['--etcd-cert', pem];
  let [own, other]: Certificate[] = [];
  beforeAll(() => {
    writeFileSync(pem, contents);
    const authority = new TestAuthority(folder.path, 'own');
    [own, other] = [authority.sign('one'), authority.sign('other')];
  });
  afterAll(() => folder[Symbol.dispose]());

  it('name members, over TLS where they say https or an authority is named', () => {
    const tls = { ca: undefined, cert: undefined, key: undefined };
    const plain = { endpoints: ['a:1', '[::1]:2'], prefix: '', tls: undefined, user: undefined };
    expect(etcdOf('--etcd', 'a:1, [::1]:2')).toEqual(plain);
    expect(etcdOf('--etcd', 'http://a:1,http://b:2/').endpoints).toEqual(['a:1', 'b:2']);
    expect(etcdOf('--etcd', 'https://a:1').tls).toEqual({ ...tls, files: tls });
    expect(etcdOf('--etcd', 'a:1', '--etcd-ca', pem).tls).toEqual({
      ...tls,
      ca: contents,
      files: { ...tls, ca: pem },
    });
    const { certFile = '', keyFile = '' } = own ?? {};
    const pair = etcdOf(
      ...['--etcd', 'https://a:1', '--etcd-cert', certFile, '--etcd-key', keyFile],
    );
    expect(pair.tls).toEqual({
      ca: undefined,
      ...own?.read(),
      files: { ca: undefined, cert: certFile, key: keyFile },
    });
  });

  it('may come from variables, of which an empty one is none', () => {
    const { ETCD_ENDPOINTS } = process.env;
    const withVariable = (value: string) => {
      process.env.ETCD_ENDPOINTS = value;
      return etcdOf().endpoints;
    };
    try {
      expect(withVariable('a:1,b:2')).toEqual(['a:1', 'b:2']);
      expect(withVariable('')).toEqual(['127.0.0.1:2379']);
    } finally {
      if (ETCD_ENDPOINTS === undefined) delete process.env.ETCD_ENDPOINTS;
      else process.env.ETCD_ENDPOINTS = ETCD_ENDPOINTS;
    }
  });

  it('put a prefix before every key, by a flag or a variable', () => {
    expect(etcdOf().prefix).toBe('');
    expect(etcdOf('--etcd-prefix', '/staging').prefix).toBe('/staging');
    expect(etcdOf('--etcd-prefix', '/teams/a.b_c-1').prefix).toBe('/teams/a.b_c-1');
    expect(etcdOf('--etcd-prefix', '').prefix).toBe('');
    process.env.ETCD_PREFIX = '/from-variable';
    try {
      expect(etcdOf().prefix).toBe('/from-variable');
      expect(etcdOf('--etcd-prefix', '/flag').prefix).toBe('/flag');
    } finally {
      delete process.env.ETCD_PREFIX;
    }
    for (const wrong of [
      'staging',
      '/',
      '/a/',
      '//a',
      '/a b',
      '/é',
      '/weft/v1/services',
      '/weft/v1',
    ]) {
      expect(() => etcdOf('--etcd-prefix', wrong)).toThrow(/It must be empty or segments/);
    }
  });

  it('name a user with a password', () => {
    const user = { name: 'weft', password: 'secret' };
    expect(etcdOf('--etcd-user', 'weft', '--etcd-password', 'secret').user).toEqual(user);
  });

  it.each([
    ['a certificate alone', () => cert, /--etcd-cert and --etcd-key go together/],
    [
      'the key of another certificate',
      () => ['--etcd-cert', own?.certFile ?? '', '--etcd-key', other?.keyFile ?? ''],
      /--etcd-key is not the key of the certificate in --etcd-cert/,
    ],
    [
      'an authority without TLS',
      () => ['--etcd', 'http://a:1', '--etcd-ca', pem],
      /says http:\/\//,
    ],
    ['TLS for some', () => ['--etcd', 'https://a:1,b:1'], /before all endpoints, or none/],
    ['an endpoint that is none', () => ['--etcd', 'a:0'], /'a:0' is not host:port/],
    ['a file not there', () => ['--etcd-ca', join(folder.path, 'none')], /--etcd-ca.*ENOENT/],
    ['a file that is none', () => ['--etcd-ca', import.meta.filename], /is no PEM file/],
    ['a user alone', () => ['--etcd-user', 'weft'], /needs a password: set ETCD_PASSWORD/],
  ])('refuse %s', (_, words, message) => {
    expect(() => etcdOf(...words())).toThrow(message);
  });
});

describe('the flag --advertise', () => {
  it.each(['10.0.0.1:7400', 'registry-1.example:1', '[fd00::1]:7400'])('takes %s', (address) => {
    expect(parseReachable(address)).toBe(address);
  });

  it.each([
    ['0.0.0.0:7400', /^Its host must be an address that clients can reach; .* a wildcard address/],
    ['[fe80::1]:7400', /link-local/],
    ['10.0.0.256:7400', /^Its host must be a host name, an IPv4 address/],
    ['10.0.0.1', /is not host:port/],
  ])('refuses %s', (address, why) => {
    expect(() => parseReachable(address)).toThrow(why);
  });
});

describe('the flags of the registry', () => {
  it.each(['https://weft.example.com', 'weft.example.com:7480', '*', 'a,,b'])(
    'refuse %j as a host name of the web page',
    (name) => {
      expect(() => parseHostNames(name, [])).toThrow(/must be a host name without scheme/);
    },
  );

  it('have defaults', () => {
    expect(readConfig(['--store', 'memory'])).toEqual({
      store: 'memory',
      etcd: expect.objectContaining({ tls: undefined, user: undefined }),
      host: '127.0.0.1',
      port: 7400,
      advertise: undefined,
      callback: true,
      httpPort: 7480,
      httpHosts: [],
      allowActions: false,
      limits: {
        maxInstancesPerService: 10_000,
        maxMetadataBytes: 65_536,
        maxWatchesPerConnection: 1000,
        maxRequestsPerSecond: 1000,
      },
      logLevel: 'info',
    });
  });

  it('name the hosts of the web page, in one flag or several', () => {
    const flags = ['--http-host', 'weft.example.com,b', '--http-host', 'c.example'];
    expect(readConfig(flags).httpHosts).toEqual(['weft.example.com', 'b', 'c.example']);
  });

  it('set the limits, and HTTP off', () => {
    const limits = ['instances-per-service', 'metadata-bytes', 'watches-per-connection'];
    const flags = limits.flatMap((name, index) => [`--max-${name}`, `${index + 1}`]);
    const more = ['--max-requests-per-second', '0', '--http-port', 'off'];
    const config = readConfig([...flags, ...more]);
    expect(config.httpPort).toBeUndefined();
    expect(config.limits).toEqual({
      maxInstancesPerService: 1,
      maxMetadataBytes: 2,
      maxWatchesPerConnection: 3,
      maxRequestsPerSecond: 0,
    });
  });
});
