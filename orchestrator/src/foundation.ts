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

/** Variables by which the registry logs in to etcd. Its flags say the rest. */
const ETCD_ACCESS = ['ETCD_CA', 'ETCD_CERT', 'ETCD_KEY', 'ETCD_USER', 'ETCD_PASSWORD'];

/** What every mesh stands on: the registry, and etcd where we run it. */
export interface Foundation {
  /** `host:port`. */
  readonly registryAddress: string;
  /** Of the web page, `host:port`. */
  readonly pageAddress: () => string;
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

/** Where the web page is unless weft.yaml says otherwise, and the port is not taken. */
const PAGE_PORT = 7480;

interface RegistryPorts {
  readonly etcd: string;
  readonly port: number;
  readonly pagePort: number;
}

function registryProgram(
  { topology, store }: FoundationOptions,
  { etcd, port, pagePort }: RegistryPorts,
): Program {
  const { prefix } = topology.etcd;
  const kind = etcd === '' ? ['--store', 'memory'] : ['--store', 'etcd', '--etcd', etcd];
  if (prefix !== '') kind.push('--etcd-prefix', prefix);
  return {
    command: [
      process.execPath,
      ...process.execArgv,
      fileURLToPath(import.meta.resolve('@weft/registry/main')),
      ...kind,
      ...['--host', topology.host, '--port', String(port)],
      ...['--http-port', String(pagePort)],
      ...topology.registry.httpHosts.flatMap((name) => ['--http-host', name]),
      ...(topology.registry.allowActions ? ['--allow-actions'] : []),
    ],
    folder: topology.folder,
    environment: {},
    // These variables belong to the etcd of $ETCD_ENDPOINTS, not to one that we run.
    etcdVariables: store.kind === 'named-etcd' ? ETCD_ACCESS : [],
  };
}

/** The slot of the registry. A page port that weft.yaml does not fix changes if another process takes it. */
function registrySlot(options: FoundationOptions, ports: RegistryPorts) {
  const { topology, folder, left, onChange } = options;
  const { host } = topology;
  const { httpPort = 0 } = topology.registry;
  const name = 'registry';
  const logFile = folder.log(name);
  // A registry on another page port is still the one that weft.yaml wants.
  const specification = specificationOf(registryProgram(options, { ...ports, pagePort: httpPort }));
  let { pagePort } = ports;
  const slot = new Slot({
    name,
    specification,
    logFile,
    health: HEALTH,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    onChange,
    launch() {
      const program = registryProgram(options, { ...ports, pagePort });
      return {
        ...left.takeOrStart({ name, specification }, () => startChild({ ...program, logFile })),
        probe: grpcProbe(addressText({ host, port: ports.port })),
        instanceId: '',
      };
    },
    async onEnd() {
      const isTaken = httpPort === 0 && (await whyTaken(host, pagePort)) !== undefined;
      if (isTaken) pagePort = await freePort(host);
    },
  });
  return { slot, pageAddress: () => addressText({ host, port: pagePort }) };
}

/**
 * The port of a server that weft.yaml gives no port: the one it had before, so that clients find it there
 * again; else a free one.
 * @param before where it was, `host:port`; empty if unknown
 * @param preferred the port to take if it is free and there is none from before; 0 for none
 */
async function choosePort(
  slot: 'etcd' | 'registry',
  before: string,
  preferred: number,
  { topology: { host }, left }: FoundationOptions,
): Promise<number> {
  const port = Number(before.slice(before.lastIndexOf(':') + 1));
  if (before !== '' && addressText({ host, port }) === before) {
    const isItsOwn = left.remaining.some(({ name }) => name === slot);
    if (isItsOwn || (await whyTaken(host, port)) === undefined) return port;
  }
  const isFree = preferred !== 0 && (await whyTaken(host, preferred)) === undefined;
  return isFree ? preferred : await freePort(host);
}

/** Lays out registry and etcd on the ports of weft.yaml; nothing starts yet. */
export async function createFoundation(options: FoundationOptions): Promise<Foundation> {
  const { topology, store, left } = options;
  const { host, registry } = topology;
  const { addresses } = left;
  const port = registry.port || (await choosePort('registry', addresses.registry, 0, options));
  const preferred = registry.httpPort === undefined ? PAGE_PORT : 0;
  const pagePort =
    registry.httpPort || (await choosePort('registry', addresses.page, preferred, options));
  const slots: Slot[] = [];
  let etcd = '';
  if (store.kind === 'named-etcd') etcd = store.endpoints;
  if (store.kind === 'own-etcd') {
    const etcdPort = topology.etcd.port || (await choosePort('etcd', addresses.etcd, 0, options));
    etcd = addressText({ host, port: etcdPort });
    slots.push(await etcdSlot(options, store.binary, etcdPort));
  }
  const { slot, pageAddress } = registrySlot(options, { etcd, port, pagePort });
  slots.push(slot);
  return { registryAddress: addressText({ host, port }), pageAddress, etcdEndpoints: etcd, slots };
}
