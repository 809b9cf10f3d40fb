import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopbackIp(address: string): boolean {
  const version = isIP(address);
  return version !== 0 && loopback.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** Whether a value is `host:port`, an IPv6 host in brackets. The host is not looked up. */
export function isAddress(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:/\s]{1,253}):(\d{1,5})$/i.exec(value) ?? [];
  return host !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** Whether a host is this machine only. */
export function isLoopback(host: string): boolean {
  // All names below localhost are this machine too, RFC 6761.
  return /(^|\.)localhost$/i.test(host) || isLoopbackIp(host);
}

/** Whether an IP address is one of this machine's, loopback or not. */
export function isOwnAddress(address: string): boolean {
  if (isLoopback(address)) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some((candidate) => candidate.address === address);
}

/** The IP address in a gRPC peer name (`127.0.0.1:1234`, `[::1]:1234`, `ipv6:[::1]:1234`). */
export function peerHost(peer: string): string {
  return peer
    .replace(/^ipv[46]:/, '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}
