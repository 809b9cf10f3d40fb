import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** The name in a Host header or an authority, in lower case, without port and brackets. */
function nameOf(authority: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([^:/\s]+))(?::\d*)?$/i.exec(authority) ?? [];
  return (bracketed ?? plain)?.toLowerCase().replace(/\.$/, '');
}

/**
 * The names by which an HTTP server may be reached.
 *
 * A web page can make a name of its own lead to this machine (DNS rebinding). The browser then lets the
 * page read all that this server serves, unless the server checks the Host header. An address cannot be
 * rebound, so addresses are always allowed, and so are `localhost` and the name of this machine.
 */
export class HttpHosts {
  readonly #names: ReadonlySet<string>;

  /** @param names host names that are allowed as well, without a port; case does not matter */
  constructor(names: readonly string[] = []) {
    const all = ['localhost', hostname(), ...names];
    this.#names = new Set(all.map((name) => name.toLowerCase()));
  }

  /** @param host the Host header; undefined, as HTTP/1.0 permits, is allowed: every browser sends one */
  allows(host: string | undefined): boolean {
    if (host === undefined) return true;
    const name = nameOf(host);
    return name !== undefined && (isIP(name) > 0 || this.#names.has(name));
  }
}
