import { BlockList, isIP, isIPv4 } from 'node:net';

/** Addresses that no client can connect to, by kind. */
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

const ADVERTISED_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

/**
 * Says why clients cannot reach an instance at a host. Names are not looked up.
 * @returns what the host must be, as in `must be a host name, ...`; undefined if the host can be
 *   advertised
 */
export function hostProblem(host: string): string | undefined {
  if (isIP(host) !== 0 && !host.includes('%')) {
    if (!isIn(allUnreachable, host)) return undefined;
    const kind = unreachable.find(([, subnets]) => isIn(list(...subnets), host))?.[0];
    return `must be an address that clients can reach; ${host} is ${kind}`;
  }
  // A name that ends in a number is a mistyped IPv4 address. Some resolvers accept it: 127.1,
  // 0x7f000001.
  if (ADVERTISED_NAME.test(host) && !/(^|\.)(\d+|0x[\da-f]*)$/i.test(host)) return undefined;
  return 'must be a host name, an IPv4 address or an IPv6 address without brackets';
}
