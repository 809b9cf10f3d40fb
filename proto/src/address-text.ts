/** `host:port`, with brackets around an IPv6 host; empty without an address. */
export function addressText(address: { host: string; port: number } | undefined): string {
  if (address === undefined) return '';
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
