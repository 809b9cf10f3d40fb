import { resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where data is, told in one way whatever the spelling: comparable. */
export type StoreLocation =
  | {
      readonly kind: 'path';
      /** Names from the root on. */
      readonly parts: readonly string[];
    }
  | {
      readonly kind: 'url';
      /** The protocol under one name: `postgres` for `postgresql` too. */
      readonly scheme: string;
      /** `host:port` of each server. */
      readonly hosts: readonly string[];
      /** What is named on the server. */
      readonly parts: readonly string[];
    };

/** What makes places on a disk comparable. */
export interface PathContext {
  /** What paths start from. */
  readonly folder: string;
  /** A path with its links followed, as far as it exists. */
  readonly realPath: (path: string) => string;
}

/** Protocols with more than one name. */
const ALIASES: Readonly<Record<string, string>> = {
  postgresql: 'postgres',
  mariadb: 'mysql',
  rediss: 'redis',
  valkey: 'redis',
  'mongodb+srv': 'mongodb',
  amqps: 'amqp',
};

const PORTS: Readonly<Record<string, number>> = {
  postgres: 5432,
  mysql: 3306,
  mongodb: 27017,
  redis: 6379,
  amqp: 5672,
  http: 80,
  https: 443,
};

const URL_PARTS = /^(?:jdbc:)?([a-z][a-z0-9+.-]*):\/\/(?:[^/?#]*@)?([^/?#]*)([^?#]*)/i;
const FILE_URL = /^(?:jdbc:)?(?:file|sqlite3?):(.*)$/i;

function hostOf(text: string, scheme: string): string {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? [undefined, text];
  const name = host.toLowerCase().replace(/\.$/, '');
  const isHere = ['', '127.0.0.1', '[::1]', 'localhost'].includes(name);
  return `${isHere ? 'localhost' : name}:${port ?? PORTS[scheme] ?? ''}`;
}

function pathLocation(path: string, { folder, realPath }: PathContext): StoreLocation {
  const real = realPath(resolve(folder, path));
  return { kind: 'path', parts: real.split(sep).filter((part) => part !== '') };
}

function fileUrlPath(rest: string): string {
  const path = rest.replace(/[?#].*$/, '');
  try {
    return path.startsWith('/') ? fileURLToPath(`file://${path.replace(/^\/\//, '')}`) : path;
  } catch {
    // Such as file://elsewhere/x: taken as it stands.
    return path;
  }
}

/**
 * Reads a path (relative ones start from the folder of weft.yaml), a `file:` or `sqlite:` URL, or the URL
 * of a server. Credentials and parameters do not count. Undefined for what is in memory alone.
 */
export function storeLocation(text: string, context: PathContext): StoreLocation | undefined {
  const [, filePath] = FILE_URL.exec(text) ?? [];
  if (/^(sqlite3?:(\/\/)?\/?|file:)?:memory:/i.test(text) || text === '') return undefined;
  if (filePath !== undefined) return pathLocation(fileUrlPath(filePath), context);
  const [whole, protocol = '', authority = '', path = ''] = URL_PARTS.exec(text) ?? [];
  if (whole === undefined) return pathLocation(text, context);
  const lower = protocol.toLowerCase();
  const scheme = ALIASES[lower] ?? lower;
  const parts = path.split('/').filter((part) => part !== '');
  return {
    kind: 'url',
    scheme,
    hosts: authority.split(',').map((host) => hostOf(host, scheme)),
    // Where none is named, redis takes its first database.
    parts: scheme === 'redis' && parts.length === 0 ? ['0'] : parts,
  };
}

/** How a place stands to another; undefined when they have nothing in common. */
export type Overlap = 'same' | 'inside' | 'around' | undefined;

/** Whether `one` is the `other`, in it, or around it. */
export function overlapOf(one: StoreLocation, other: StoreLocation): Overlap {
  if (one.kind === 'url' && other.kind === 'url') {
    if (one.scheme !== other.scheme) return undefined;
    if (!one.hosts.some((host) => other.hosts.includes(host))) return undefined;
  } else if (one.kind !== other.kind) {
    return undefined;
  }
  const shared = Math.min(one.parts.length, other.parts.length);
  if (one.parts.slice(0, shared).some((part, index) => part !== other.parts[index])) {
    return undefined;
  }
  if (one.parts.length === other.parts.length) return 'same';
  return one.parts.length > other.parts.length ? 'inside' : 'around';
}
