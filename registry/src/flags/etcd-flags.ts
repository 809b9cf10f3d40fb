import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf } from '@weft/proto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EtcdAccess, EtcdTls } from '../store/etcd-access.ts';
import { parseAddress, parseKeyPrefix } from './parsers.ts';

const DEFAULT_ENDPOINT = '127.0.0.1:2379';

/** Where etcd is, and how it is reached. */
export interface EtcdConfig extends EtcdAccess {
  /** `host:port` of each member. */
  endpoints: string[];
}

interface Endpoints {
  list: string[];
  /** What the endpoints say by `http://` or `https://`; undefined when they say nothing. */
  isSecure: boolean | undefined;
}

interface PemFile {
  path: string;
  contents: Buffer;
}

/** Flags as commander leaves them. */
export interface EtcdFlags {
  etcd?: Endpoints;
  etcdPrefix: string;
  etcdCa?: PemFile;
  etcdCert?: PemFile;
  etcdKey?: PemFile;
  etcdUser?: string;
  etcdPassword?: string;
}

/** Members with commas between; `http://` or `https://` before all of them, or before none. */
function parseEndpoints(text: string): Endpoints {
  const schemes = new Set<string>();
  const list = text.split(',').map((item) => {
    const [, scheme = '', endpoint = ''] = /^(?:(https?):\/\/)?(.*?)\/?$/.exec(item.trim()) ?? [];
    schemes.add(scheme);
    return parseAddress(endpoint);
  });
  if (schemes.size > 1) {
    throw new InvalidArgumentError('Write http:// or https:// before all endpoints, or none.');
  }
  const [scheme] = schemes;
  return { list, isSecure: scheme === '' ? undefined : scheme === 'https' };
}

function readPem(path: string): PemFile {
  let contents: Buffer;
  try {
    contents = readFileSync(path);
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read: ${messageOf(error)}.`);
  }
  if (/^-----BEGIN /m.test(contents.toString('latin1'))) return { path, contents };
  throw new InvalidArgumentError(`'${path}' is no PEM file.`);
}

/** Takes the option from a variable too; an empty one counts as not set. */
function orFrom(variable: string, option: Option): Option {
  return process.env[variable] === '' ? option : option.env(variable);
}

export function addEtcdFlags(command: Command): Command {
  const pem = (flag: string, what: string, variable: string) =>
    orFrom(variable, new Option(`${flag} <file>`, what).argParser(readPem));
  return command
    .addOption(
      orFrom(
        'ETCD_ENDPOINTS',
        new Option(
          '--etcd <host:port,...>',
          'members of etcd; https:// before each for TLS',
        ).argParser(parseEndpoints),
      ),
    )
    .addOption(
      orFrom(
        'ETCD_PREFIX',
        new Option('--etcd-prefix <prefix>', 'stands before every key: one for each environment')
          .argParser(parseKeyPrefix)
          .default(''),
      ),
    )
    .addOption(pem('--etcd-ca', 'authority of the certificates of etcd (PEM)', 'ETCD_CA'))
    .addOption(pem('--etcd-cert', 'certificate to show to etcd (PEM)', 'ETCD_CERT'))
    .addOption(pem('--etcd-key', 'key of that certificate (PEM)', 'ETCD_KEY'))
    .addOption(orFrom('ETCD_USER', new Option('--etcd-user <name>', 'user of etcd')))
    .addOption(
      orFrom(
        'ETCD_PASSWORD',
        new Option(
          '--etcd-password <text>',
          'its password; better in the environment, which other users cannot list',
        ),
      ),
    );
}

function isPair(cert: Buffer, key: Buffer): boolean {
  try {
    createSecureContext({ cert, key });
    return true;
  } catch {
    return false;
  }
}

/** Whether the flags name an etcd. */
export function namesEtcd({ etcd }: EtcdFlags): boolean {
  return etcd !== undefined;
}

/**
 * How to reach etcd by these flags.
 * @param fail ends the process, saying what does not fit together
 */
export function etcdConfig(flags: EtcdFlags, fail: (message: string) => never): EtcdConfig {
  const { etcd, etcdCa: ca, etcdCert: cert, etcdKey: key, etcdUser, etcdPassword } = flags;
  if ((cert === undefined) !== (key === undefined)) {
    fail('--etcd-cert and --etcd-key go together: a certificate is of no use without its key.');
  }
  if (cert !== undefined && key !== undefined && !isPair(cert.contents, key.contents)) {
    fail('--etcd-key is not the key of the certificate in --etcd-cert.');
  }
  const namesTls = ca !== undefined || cert !== undefined;
  if (namesTls && etcd?.isSecure === false) {
    fail('--etcd-ca, --etcd-cert and --etcd-key are for https://, and --etcd says http://.');
  }
  if (etcdUser !== undefined && !etcdPassword) {
    fail('--etcd-user needs a password: set ETCD_PASSWORD.');
  }
  const pem = { ca: ca?.contents, cert: cert?.contents, key: key?.contents };
  const files = { ca: ca?.path, cert: cert?.path, key: key?.path };
  const tls: EtcdTls | undefined =
    namesTls || etcd?.isSecure === true ? { ...pem, files } : undefined;
  const user =
    etcdUser === undefined ? undefined : { name: etcdUser, password: etcdPassword ?? '' };
  return { endpoints: etcd?.list ?? [DEFAULT_ENDPOINT], prefix: flags.etcdPrefix, tls, user };
}
