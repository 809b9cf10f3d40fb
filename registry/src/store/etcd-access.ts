/** How etcd is reached besides where: over TLS, as a user. Neither: plainly, as anybody. */
export interface EtcdAccess {
  tls?: EtcdTls | undefined;
  user?: EtcdUser | undefined;
}

/** TLS towards etcd, everything as PEM. */
export interface EtcdTls {
  /** Authorities that etcd's certificate is checked against. Default: those that Node knows. */
  ca?: Buffer | undefined;
  /** Certificate and key to show, where etcd asks for one; both or neither. */
  cert?: Buffer | undefined;
  key?: Buffer | undefined;
}

/** A user of etcd. Needs a role with `readwrite` on the prefix `/weft/`, and nothing else. */
export interface EtcdUser {
  name: string;
  password: string;
}
