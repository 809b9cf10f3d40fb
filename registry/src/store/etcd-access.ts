import type { Log } from '@weft/proto';

/**
 * How etcd is used besides its address: over TLS, as a user, below a prefix. By default none of
 * these.
 */
export interface EtcdAccess {
  /** Stands before every key, such as `/staging`: an environment of its own. Default: none. */
  prefix?: string | undefined;
  tls?: EtcdTls | undefined;
  user?: EtcdUser | undefined;
  /** Is told of certificates that were read anew, or could not be. Default: silent. */
  log?: Log | undefined;
}

/** TLS towards etcd, everything as PEM. */
export interface EtcdTls {
  /** Authorities that etcd's certificate is checked against. Default: those that Node knows. */
  ca?: Buffer | undefined;
  /** Certificate and key to show, where etcd asks for one; both or neither. */
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
  /** The files that they are from: read again when they change. Default: they stay as they are. */
  files?: EtcdTlsFiles | undefined;
}

export interface EtcdTlsFiles {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  /** How often they are read, in ms. Default 10,000. */
  lookMs?: number | undefined;
}

/** A user of etcd. Needs one role: `readwrite` on the prefix `/weft/`, below `prefix`. */
export interface EtcdUser {
  name: string;
  password: string;
}
