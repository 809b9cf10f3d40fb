import type { DocumentPath } from './checked-document.ts';
import type { Topology } from './topology.ts';

/** The last port there is. */
export const MAX_PORT = 65_535;

/** A port that weft.yaml gives to one process. */
export interface FixedPort {
  readonly port: number;
  /** Whose it is, such as "shop-2". */
  readonly owner: string;
  /** The slot of that process. */
  readonly slot: string;
  /** What sets it. */
  readonly path: DocumentPath;
}

/**
 * Every port that weft.yaml fixes.
 * @param instancesOf How many instances a service has: what weft.yaml says, or what it was scaled to.
 */
export function fixedPorts(
  { registry, etcd, services }: Pick<Topology, 'registry' | 'etcd' | 'services'>,
  instancesOf: (service: string, inFile: number) => number = (_service, inFile) => inFile,
): FixedPort[] {
  const ports: FixedPort[] = [
    { port: registry.port, owner: 'the registry', slot: 'registry', path: ['registry', 'port'] },
    {
      port: registry.httpPort ?? 0,
      owner: 'the web page',
      slot: 'registry',
      path: ['registry', 'httpPort'],
    },
    { port: etcd.port, owner: 'etcd', slot: 'etcd', path: ['registry', 'etcd', 'port'] },
  ];
  for (const { name, port, instances, scale } of services) {
    const count = instancesOf(name, scale?.max ?? instances);
    for (let index = 0; port !== 0 && index < count; index += 1) {
      ports.push({
        port: port + index,
        owner: `${name}-${index + 1}`,
        slot: `${name}-${index + 1}`,
        path: ['services', name, 'port'],
      });
    }
  }
  return ports.filter(({ port }) => port !== 0);
}

/** A port that cannot be had as weft.yaml stands, and why. */
export interface PortProblem extends FixedPort {
  readonly reason: string;
}

/** The ports that do not exist, or that two processes want. */
export function portProblems(ports: readonly FixedPort[]): PortProblem[] {
  const owners = new Map<number, string>();
  return ports.flatMap((fixed) => {
    const { port, owner } = fixed;
    const other = owners.get(port);
    if (other === undefined) owners.set(port, owner);
    // All after the first one are told by it.
    if (port > MAX_PORT + 1) return [];
    if (port > MAX_PORT) return [{ ...fixed, reason: `leaves no port for ${owner}` }];
    return other === undefined
      ? []
      : [{ ...fixed, reason: `port ${port} is that of ${other} too` }];
  });
}
