import { isUtf8 } from 'node:buffer';
import { prefixEnd } from './etcd-keys.ts';

/** A key as etcd returns it (mvccpb.KeyValue). */
export interface RawKeyValue {
  key: Buffer;
  value: Buffer;
  lease: string;
  create_revision: string;
  mod_revision: string;
}

/** One key as etcd holds it, without the prefix of the environment. */
export interface KeyValue {
  key: string;
  value: string;
  /** Whether key and value are valid UTF-8. If not, U+FFFD stands for the bytes that are not. */
  isUtf8: boolean;
  leaseId: bigint;
  createRevision: bigint;
  modRevision: bigint;
}

/**
 * The keys of one environment in an etcd. A prefix stands before every key that is sent to etcd and
 * is removed from every key that etcd returns, so that environments on one etcd do not see each
 * other.
 */
export class EtcdKeyspace {
  readonly prefix: string;

  /** @param prefix stands before `/weft/v1/...`, such as `/staging`; empty for none */
  constructor(prefix = '') {
    this.prefix = prefix;
  }

  /** The key as etcd knows it. */
  bytes(key: string): Buffer {
    return Buffer.from(`${this.prefix}${key}`);
  }

  /** The range of all keys that start with `start`. */
  range(start: string): { key: Buffer; range_end: Buffer } {
    return { key: this.bytes(start), range_end: prefixEnd(`${this.prefix}${start}`) };
  }

  /**
   * The key without the prefix. etcd returns only keys that have the prefix, or that a lease
   * carries.
   */
  key(bytes: Buffer): string {
    const key = bytes.toString('utf8');
    return key.startsWith(this.prefix) ? key.slice(this.prefix.length) : key;
  }

  keyValue(kv: RawKeyValue): KeyValue {
    return {
      key: this.key(kv.key),
      value: kv.value.toString('utf8'),
      isUtf8: isUtf8(kv.key) && isUtf8(kv.value),
      leaseId: BigInt(kv.lease),
      createRevision: BigInt(kv.create_revision),
      modRevision: BigInt(kv.mod_revision),
    };
  }
}
