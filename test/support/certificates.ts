import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of one certificate, PEM. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** What is in them. */
  read(): { cert: Buffer; key: Buffer };
}

/** An authority of a test's own, made with openssl in a folder. */
export class TestAuthority {
  readonly caFile: string;
  readonly #folder: string;
  readonly #keyFile: string;

  /** @param folder for its files and those of what it signs */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.caFile = join(folder, `${name}.crt`);
    this.#keyFile = join(folder, `${name}.key`);
    const subject = ['-subj', `/CN=${name}`, '-days', '2'];
    openssl('req', '-x509', ...newKey(this.#keyFile), ...subject, '-out', this.caFile);
  }

  get ca(): Buffer {
    return readFileSync(this.caFile);
  }

  /** Signs a certificate for 127.0.0.1 and localhost, for servers and clients; or one that has expired. */
  sign(name: string, { hasExpired = false } = {}): Certificate {
    const file = (end: string) => join(this.#folder, `${name}.${end}`);
    const [certFile, keyFile] = [file('crt'), file('key')];
    openssl('req', ...newKey(keyFile), '-subj', `/CN=${name}`, '-out', file('csr'));
    writeFileSync(
      file('ext'),
      'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n',
    );
    // openssl 1.1 can set no dates here but by days; from 0 days on, it is over at once.
    const days = hasExpired ? '0' : '2';
    openssl(
      ...['x509', '-req', '-in', file('csr'), '-CA', this.caFile, '-CAkey', this.#keyFile],
      ...['-CAcreateserial', '-days', days, '-extfile', file('ext')],
      ...['-out', certFile],
    );
    return {
      certFile,
      keyFile,
      read: () => ({ cert: readFileSync(certFile), key: readFileSync(keyFile) }),
    };
  }
}

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file];
}

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
