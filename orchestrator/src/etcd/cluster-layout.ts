import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { addressText } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import { freePort } from '../process/ports.ts';
import type { ProcessIdentity } from '../process/process-identity.ts';

/** One member of a local etcd. */
export interface ClusterMember {
  readonly name: string;
  readonly clientPort: number;
  /** The others know it by this: it stays for as long as its data does. */
  readonly peerPort: number;
}

/** The process of a member. */
export interface MemberProcess extends ProcessIdentity {
  /** Of the member. */
  readonly name: string;
}

/** What a local etcd of several members keeps beside its data. */
export interface ClusterLayout {
  readonly host: string;
  readonly members: readonly ClusterMember[];
  /** What of it was started last, for the next one after a crash. */
  readonly processes: readonly MemberProcess[];
}

export interface ClusterWishes {
  readonly host: string;
  readonly nodes: number;
  /** Of the first member, the others take those after it; 0 for the ones before, or free ones. */
  readonly clientPort: number;
}

/** Reads a layout; undefined when there is none. @throws OrchestratorError when it cannot be read */
export function readLayout(file: string): ClusterLayout | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(text) as ClusterLayout;
  } catch {
    throw new OrchestratorError(
      `${file} is damaged, and tells no more how the members of this etcd find each other; remove ${dirname(file)} to begin anew.`,
    );
  }
}

/** Writes a layout in one step. */
export function writeLayout(file: string, layout: ClusterLayout): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(layout, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

async function freePorts(host: string, count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort(host));
  return [...ports];
}

/**
 * Lays out a cluster: as before where there was one, else anew.
 * @throws OrchestratorError when there was one of another size or host
 */
export async function planCluster(
  before: ClusterLayout | undefined,
  { host, nodes, clientPort }: ClusterWishes,
  file: string,
): Promise<ClusterLayout> {
  if (before !== undefined && (before.members.length !== nodes || before.host !== host)) {
    const { members } = before;
    throw new OrchestratorError(
      `${dirname(file)} holds the data of ${members.length} nodes on ${before.host}: start it with --nodes ${members.length} --host ${before.host}, or another with --data-dir.`,
    );
  }
  const ports = before === undefined ? await freePorts(host, 2 * nodes) : [];
  const members = Array.from({ length: nodes }, (_, index): ClusterMember => {
    const known = before?.members[index];
    return {
      name: known?.name ?? `node-${index + 1}`,
      clientPort: clientPort > 0 ? clientPort + index : (known?.clientPort ?? ports[index] ?? 0),
      peerPort: known?.peerPort ?? ports[nodes + index] ?? 0,
    };
  });
  return { host, members, processes: before?.processes ?? [] };
}

/** `initial-cluster` of etcd: who the members are, and where they find each other. */
export function initialCluster({ host, members }: ClusterLayout): string {
  return members
    .map(({ name, peerPort }) => `${name}=http://${addressText({ host, port: peerPort })}`)
    .join(',');
}

/** Where clients reach the members, with commas between. */
export function clientEndpoints({ host, members }: ClusterLayout): string {
  return members.map(({ clientPort }) => addressText({ host, port: clientPort })).join(',');
}
