import { fileURLToPath } from 'node:url';
import { startEtcdChild } from './etcd/etcd-child.ts';
import type { MeshFolder } from './mesh-folder.ts';
import { startChild } from './process/child.ts';
import { addressText, freePort } from './process/ports.ts';
import { etcdProbe, grpcProbe } from './slot/probes.ts';
import { Slot } from './slot/slot.ts';
import type { ChosenStore } from './store-choice.ts';
import type { Topology } from './topology/topology.ts';

const HEALTH = { intervalMs: 2000, timeoutMs: 1000, startTimeoutMs: 20_000 };
const STOP_TIMEOUT_MS = 5000;

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
  readonly onChange: (slot: Slot) => void;
}

async function etcdSlot(options: FoundationOptions, binary: string, port: number): Promise<Slot> {
  const { topology, folder, onChange } = options;
  const { host } = topology;
  const logFile = folder.log('etcd');
  // No member but itself ever uses it; another one for each start, as that one may be taken by then.
  let peerPort = await freePort(host);
  return new Slot({
    name: 'etcd',
    logFile,
    health: HEALTH,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    onChange,
    launch() {
      const process = startEtcdChild({
        binary,
        dataDir: folder.etcdData,
        host,
        clientPort: port,
        peerPort,
        logFile,
      });
      return { process, probe: etcdProbe(addressText(host, port)), instanceId: '' };
    },
    async onEnd() {
      peerPort = await freePort(host);
    },
  });
}

function registrySlot(options: FoundationOptions, etcd: string, port: number): Slot {
  const { topology, folder, onChange } = options;
  const logFile = folder.log('registry');
  const store = etcd === '' ? ['--store', 'memory'] : ['--store', 'etcd', '--etcd', etcd];
  const program = fileURLToPath(import.meta.resolve('@weft/registry/main'));
  return new Slot({
    name: 'registry',
    logFile,
    health: HEALTH,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    onChange,
    launch: () => ({
      process: startChild({
        command: [
          process.execPath,
          ...process.execArgv,
          program,
          ...store,
          ...['--host', topology.host, '--port', String(port)],
        ],
        folder: topology.folder,
        // What the flags say is all there is to say.
        environment: { ETCD_ENDPOINTS: undefined },
        logFile,
      }),
      probe: grpcProbe(addressText(topology.host, port)),
      instanceId: '',
    }),
  });
}

/** Lays out registry and etcd on the ports of weft.yaml; nothing starts yet. */
export async function createFoundation(options: FoundationOptions): Promise<Foundation> {
  const { topology, store } = options;
  const { host } = topology;
  const registryPort = topology.registry.port || (await freePort(host));
  const slots: Slot[] = [];
  let etcdEndpoints = '';
  if (store.kind === 'named-etcd') etcdEndpoints = store.endpoints;
  if (store.kind === 'own-etcd') {
    const port = topology.etcd.port || (await freePort(host));
    etcdEndpoints = addressText(host, port);
    slots.push(await etcdSlot(options, store.binary, port));
  }
  slots.push(registrySlot(options, etcdEndpoints, registryPort));
  return { registryAddress: addressText(host, registryPort), etcdEndpoints, slots };
}
