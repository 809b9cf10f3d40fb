import { fileURLToPath } from 'node:url';
import { addressText } from '@weft/proto';
import { startEtcdChild } from './etcd/etcd-child.ts';
import type { Leftovers } from './leftovers.ts';
import type { MeshFolder } from './mesh-folder.ts';
import { type Program, startChild } from './process/child.ts';
import { freePort, whyTaken } from './process/ports.ts';
import { etcdProbe, grpcProbe } from './slot/probes.ts';
import { Slot } from './slot/slot.ts';
import { specificationOf } from './specification.ts';
import type { ChosenStore } from './store-choice.ts';
import type { Topology } from './topology/topology.ts';

const HEALTH = {
  intervalMs: 2000,
  timeoutMs: 1000,
  startTimeoutMs: 20_000,
  restartAfterMs: 30_000,
};
const STOP_TIMEOUT_MS = 5000;

const NO_ETCD_ACCESS = {
  ETCD_CA: undefined,
  ETCD_CERT: undefined,
  ETCD_KEY: undefined,
  ETCD_USER: undefined,
  ETCD_PASSWORD: undefined,
};

/** What every mesh stands on: the registry, and etcd where we run it. */
export interface Foundation {
  /** `host:port`. */
  readonly registryAddress: string;
  /** `host:port`, several with commas between; empty on the memory store. */
  readonly etcdEndpoints: string;
  /** In the order to start them. */
  readonly slots: readonly Slot[];
}

export interface FoundationOptions {
  readonly topology: Topology;
  readonly folder: MeshFolder;
  readonly store: ChosenStore;
  /** What may be taken over. */
  readonly left: Leftovers;
  readonly onChange: (slot: Slot) => void;
}

async function etcdSlot(options: FoundationOptions, binary: string, port: number): Promise<Slot> {
  const { topology, folder, left, onChange } = options;
  const { host } = topology;
  const name = 'etcd';
  const logFile = folder.log(name);
  const settings = { binary, dataDir: folder.etcdData, host, clientPort: port };
  const specification = specificationOf(settings);
  // No member but itself ever uses it; another one for each start, as that one may be taken by then.
  let peerPort = await freePort(host);
  return new Slot({
    name,
    specification,
    logFile,
    health: HEALTH,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    onChange,
    launch() {
      const run = left.takeOrStart({ name, specification }, () =>
        startEtcdChild({ ...settings, peerPort, logFile }),
      );
      return { ...run, probe: etcdProbe(addressText({ host, port })), instanceId: '' };
    },
    async onEnd() {
      peerPort = await freePort(host);
    },
  });
}

function registrySlot(options: FoundationOptions, etcd: string, port: number): Slot {
  const { topology, folder, left, onChange } = options;
  const name = 'registry';
  const logFile = folder.log(name);
  const { prefix } = topology.etcd;
  const store = etcd === '' ? ['--store', 'memory'] : ['--store', 'etcd', '--etcd', etcd];
  if (prefix !== '') store.push('--etcd-prefix', prefix);
  // How to get into the etcd that is named there is of no use with any other.
  const access = options.store.kind === 'named-etcd' ? {} : NO_ETCD_ACCESS;
  const program: Program = {
    command: [
      process.execPath,
      ...process.execArgv,
      fileURLToPath(import.meta.resolve('@weft/registry/main')),
      ...store,
      ...['--host', topology.host, '--port', String(port)],
      ...['--http-port', String(topology.registry.httpPort)],
      ...topology.registry.httpHosts.flatMap((name) => ['--http-host', name]),
      ...(topology.registry.allowActions ? ['--allow-actions'] : []),
    ],
    folder: topology.folder,
    // What the flags say is all there is to say.
    environment: { ETCD_ENDPOINTS: undefined, ETCD_PREFIX: undefined, ...access },
  };
  const specification = specificationOf(program);
  return new Slot({
    name,
    specification,
    logFile,
    health: HEALTH,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    onChange,
    launch: () => ({
      ...left.takeOrStart({ name, specification }, () => startChild({ ...program, logFile })),
      probe: grpcProbe(addressText({ host: topology.host, port })),
      instanceId: '',
    }),
  });
}

/**
 * The port that weft.yaml gives to a slot. Where it gives none, the one the slot had before, so that who
 * knows it finds it there again; else a free one.
 */
async function portOf(
  slot: 'etcd' | 'registry',
  { topology, left }: FoundationOptions,
): Promise<number> {
  const { host } = topology;
  if (topology[slot].port !== 0) return topology[slot].port;
  const before = left.addresses[slot];
  const port = Number(before.slice(before.lastIndexOf(':') + 1));
  if (before !== '' && addressText({ host, port }) === before) {
    const isItsOwn = left.remaining.some(({ name }) => name === slot);
    if (isItsOwn || (await whyTaken(host, port)) === undefined) return port;
  }
  return await freePort(host);
}

/** Lays out registry and etcd on the ports of weft.yaml; nothing starts yet. */
export async function createFoundation(options: FoundationOptions): Promise<Foundation> {
  const { topology, store } = options;
  const { host } = topology;
  const registryPort = await portOf('registry', options);
  const slots: Slot[] = [];
  let etcdEndpoints = '';
  if (store.kind === 'named-etcd') etcdEndpoints = store.endpoints;
  if (store.kind === 'own-etcd') {
    const port = await portOf('etcd', options);
    etcdEndpoints = addressText({ host, port });
    slots.push(await etcdSlot(options, store.binary, port));
  }
  slots.push(registrySlot(options, etcdEndpoints, registryPort));
  return { registryAddress: addressText({ host, port: registryPort }), etcdEndpoints, slots };
}
