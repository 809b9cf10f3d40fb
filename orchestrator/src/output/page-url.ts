/** The URL of the web page at an address, `host:port`; empty if there is none. */
export function pageUrl(address: string): string {
  return address && `http://${address}/`;
}
