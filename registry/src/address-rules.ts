import { BlockList, isIP, isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Addresses that no client can connect to, by what they are. */
const unreachable: [kind: string, subnets: string[]][] = [
  ['a wildcard address', ['0.0.0.0/8', '::/128']],
  ['a multicast or broadcast address', ['224.0.0.0/4', '255.255.255.255/32', 'ff00::/8']],
  ['a link-local address', ['169.254.0.0/16', 'fe80::/10']],
];
const allUnreachable = list(...unreachable.flatMap(([, subnets]) => subnets));

function list(...subnets: string[]): BlockList {
  const blocked = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    blocked.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return blocked;
}

function isIn(blocked: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && blocked.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

/** Why a host cannot be advertised; undefined when it can. Names are not looked up. */
export function hostProblem(host: string): string | undefined {
  if (isIP(host) !== 0 && !host.includes('%')) {
    if (!isIn(allUnreachable, host)) return undefined;
    const kind = unreachable.find(([, subnets]) => isIn(list(...subnets), host))?.[0];
    return `must be an address that clients can reach; ${host} is ${kind}`;
  }
  // What ends in a number is a mistyped IPv4 address, which some resolvers would still take: 127.1, 0x7f000001.
  if (HOST_NAME.test(host) && !/(^|\.)(\d+|0x[\da-f]*)$/i.test(host)) return undefined;
  return 'must be a host name, an IPv4 address or an IPv6 address without brackets';
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
  return /(^|\.)localhost$/i.test(host) || isIn(loopback, host);
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
