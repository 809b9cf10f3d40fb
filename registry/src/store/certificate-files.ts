import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { type Log, pause } from '@weft/proto';
import type { EtcdTls } from './etcd-access.ts';

/** How often the files are read, in ms: certificates are renewed long before they end. */
const LOOK_MS = 10_000;

export interface CertificateFilesOptions {
  tls: EtcdTls;
  /** Is given what the files hold now, each time that is something else which fits together. */
  onChange: (tls: EtcdTls) => void;
  log: Log;
}

const NAMES = ['ca', 'cert', 'key'] as const;
const isSame = (a: EtcdTls, b: EtcdTls) => NAMES.every((name) => `${a[name]}` === `${b[name]}`);

/** @throws Error when it is no certificate, or the key belongs to another one */
function assertOfUse(tls: EtcdTls): void {
  // Node takes anything for the certificates of an authority.
  if (tls.ca !== undefined) new X509Certificate(tls.ca);
  createSecureContext(tls);
}

/**
 * Follows the files of certificates, so that these are renewed without a restart. Files that cannot be
 * read, or do not fit together (a key is written a moment after its certificate), change nothing.
 */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  readonly #closer = new AbortController();
  #current: EtcdTls;
  /** What was read last, whether it is of use or not. */
  #seen: EtcdTls;
  /** What was said last of files that are of no use: once is enough. */
  #complaint = '';

  constructor(options: CertificateFilesOptions) {
    this.#options = options;
    this.#current = options.tls;
    this.#seen = options.tls;
    const { files } = options.tls;
    if (files !== undefined) void this.#follow(files.lookMs ?? LOOK_MS);
  }

  close(): void {
    this.#closer.abort();
  }

  async #follow(lookMs: number): Promise<void> {
    const { signal } = this.#closer;
    for (;;) {
      await pause(lookMs, signal);
      if (signal.aborted) return;
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { onChange, log } = this.#options;
    try {
      const read = await this.#read();
      if (this.#closer.signal.aborted) return;
      // What is being written changes from look to look; a part of it may be taken for the whole.
      const isSettled = isSame(read, this.#seen);
      this.#seen = read;
      if (!isSettled) return;
      const isNew = !isSame(read, this.#current);
      if (isNew) assertOfUse(read);
      this.#complaint = '';
      if (!isNew) return;
      log.info({ files: read.files }, 'the certificates for etcd have changed');
      onChange(read);
      this.#current = read;
    } catch (error) {
      const complaint = `${error}`;
      if (complaint === this.#complaint) return;
      this.#complaint = complaint;
      log.warn({ err: error }, 'the new certificates for etcd are of no use; the former stay');
    }
  }

  async #read(): Promise<EtcdTls> {
    const { files, ...given } = this.#current;
    const read: EtcdTls = { ...given, files };
    for (const name of NAMES) {
      const file = files?.[name];
      if (file !== undefined) read[name] = await readFile(file);
    }
    return read;
  }
}
