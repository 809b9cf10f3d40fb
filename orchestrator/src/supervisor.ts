import { createMesh, type Mesh } from '@weft/client-sdk';
import { type Log, messageOf } from '@weft/proto';
import type { ServiceStatus } from '@weft/proto/orchestrator';
import { checkPrograms } from './check-programs.ts';
import { OrchestratorError } from './errors.ts';
import { createFoundation, type Foundation } from './foundation.ts';
import type { Leftovers, WantedProcess } from './leftovers.ts';
import type { MeshFolder } from './mesh-folder.ts';
import { boundLog } from './process/log-file.ts';
import { RegistryView } from './registry-view.ts';
import { RunningTopology } from './running-topology.ts';
import { Scaler } from './scaling/scaler.ts';
import { TelemetryLink } from './scaling/telemetry-link.ts';
import { createServiceSlot, type ServiceSlotOptions } from './service-slot.ts';
import type { Slot } from './slot/slot.ts';
import { SlotGroup } from './slot/slot-group.ts';
import { scalingStatus, serviceStatus } from './slot/slot-status.ts';
import type { ChosenStore } from './store-choice.ts';
import { checkPorts, checkScaling } from './taken-ports.ts';
import { dependencyLevels } from './topology/dependency-levels.ts';
import type { ScaleSpec, ServiceSpec, Topology } from './topology/topology.ts';

/** Between two looks at the size of the logs. */
const LOG_CHECK_MS = 10_000;

export interface SupervisorOptions {
  readonly topology: Topology;
  readonly folder: MeshFolder;
  readonly store: ChosenStore;
  readonly log: Log;
  /** Told in a sentence what no slot tells. */
  readonly onNews: (text: string) => void;
  /** Told after every change of a slot. */
  readonly onChange: (slot: Slot) => void;
  /** Told when the registry lists other instances, or others as they were. */
  readonly onInstances?: () => void;
}

interface Started extends Foundation {
  readonly view: RegistryView;
  /** In dependency order. */
  readonly levels: readonly (readonly SlotGroup[])[];
}

/** How many instances of a service are left running. */
function leftOf(service: string, { remaining }: Leftovers): number {
  const isOne = new RegExp(`^${service}-\\d+$`);
  return remaining.filter(({ name }) => isOne.test(name)).length;
}

/** How many instances a service starts with: one that follows its load, with as many as are left running. */
function firstCount({ name, instances, scale }: ServiceSpec, left: Leftovers): number {
  if (scale === undefined) return instances;
  return Math.min(scale.max, Math.max(instances, leftOf(name, left)));
}

/** What all service slots share. */
type Shared = Pick<ServiceSlotOptions, 'registryAddress' | 'view' | 'left' | 'mesh'>;

/** Starts the processes of a mesh in dependency order, keeps them running, stops them in reverse. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #topology: RunningTopology;
  readonly #deregistrations = new Set<Promise<unknown>>();
  #left: Leftovers | undefined;
  #started: Started | undefined;
  #logTimer: NodeJS.Timeout | undefined;
  #scaling: { readonly scaler: Scaler; readonly telemetry: TelemetryLink } | undefined;
  /** Registers the programs that do not register themselves; made when the first of them is healthy. */
  #mesh: Mesh | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#topology = new RunningTopology(options.topology, options.onNews);
  }

  /** Where the registry answers; empty before `start`. */
  get registryAddress(): string {
    return this.#started?.registryAddress ?? '';
  }

  /** Where the web page of the registry is, `host:port`; empty before `start`. */
  get pageAddress(): string {
    return this.#started?.pageAddress() ?? '';
  }

  /** Where etcd answers; empty before `start` and on the memory store. */
  get etcdEndpoints(): string {
    return this.#started?.etcdEndpoints ?? '';
  }

  /** The prefix of its keys in etcd; empty for none. */
  get etcdPrefix(): string {
    return this.#options.topology.etcd.prefix;
  }

  /** Every slot there is, in the order they start. */
  get slots(): readonly Slot[] {
    const { slots = [], levels = [] } = this.#started ?? {};
    return [...slots, ...levels.flat().flatMap((group) => group.everySlot)];
  }

  /**
   * Starts etcd, the registry, then the services level by level, each level once the level before is healthy.
   * A process in `left` that is as weft.yaml wants it is taken over instead of started; the others in `left` are
   * ended first. If anything is taken over, a process that does not start is reported and retried, and the
   * processes that were taken over run on. After an error the caller stops the processes that did start.
   * @throws PortError if a port is taken, ProgramError if a command cannot run; nothing was changed then.
   * OrchestratorError if a process does not start and nothing was taken over.
   */
  async start(left: Leftovers): Promise<void> {
    const { topology, store, log } = this.#options;
    this.#left = left;
    try {
      const running = new Set(left.remaining.map(({ name }) => name));
      checkPrograms(topology, running);
      await checkPorts(topology, store, running);
    } catch (error) {
      this.#left = undefined;
      throw error;
    }
    const foundation = await createFoundation({ ...this.#options, left, onChange: this.#onChange });
    this.#assertGoingOn();
    const view = new RegistryView(foundation.registryAddress, log, this.#options.onInstances);
    const { registryAddress } = foundation;
    const mesh = () => {
      this.#mesh ??= createMesh({ registry: registryAddress, telemetry: false, log });
      return this.#mesh;
    };
    const shared = { registryAddress, view, left, mesh };
    const levels = dependencyLevels(topology.services).map((level) =>
      level.map((spec) => this.#createGroup(spec, shared)),
    );
    this.#started = { ...foundation, view, levels };
    this.#logTimer = setInterval(() => this.#boundLogs(), LOG_CHECK_MS).unref();
    const counts = new Map(topology.services.map((spec) => [spec.name, firstCount(spec, left)]));
    const wanted = topology.services.flatMap((spec) =>
      Array.from({ length: counts.get(spec.name) ?? 0 }, (_, index) =>
        this.#createSlot(spec, index + 1, shared),
      ),
    );
    await this.#endSurplus(left, [...foundation.slots, ...wanted]);
    const isTakeover = left.remaining.length > 0;
    for (const slot of foundation.slots) {
      this.#assertGoingOn();
      slot.start();
      await this.#waitForStart(slot.name, slot.healthy(), isTakeover);
    }
    view.start();
    const starts = new Map<SlotGroup, Promise<void>>();
    const start = (group: SlotGroup) => {
      const { name } = group;
      const started =
        starts.get(group) ??
        this.#waitForStart(name, group.start(counts.get(name) ?? 0), isTakeover);
      starts.set(group, started);
      return started;
    };
    // Those that all run need not wait for others, and are to be watched over at once.
    const isAllLeft = ({ name }: SlotGroup) => leftOf(name, left) >= (counts.get(name) ?? 0);
    if (isTakeover)
      for (const group of levels.flat().filter(isAllLeft)) start(group).catch(() => {});
    for (const level of levels) {
      this.#assertGoingOn();
      await Promise.all(level.map(start));
    }
    this.#followLoad(registryAddress);
  }

  /**
   * Stops everything in reverse order; resolves when no process and no registration of ours is left.
   * @param graceMs Between SIGTERM and SIGKILL, in place of what weft.yaml says; may be called again
   * with less.
   */
  stop(graceMs?: number): Promise<void> {
    if (this.#stopping && graceMs !== undefined) {
      for (const slot of this.slots) if (slot.pid !== undefined) void slot.stop(graceMs);
    }
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  /** Every service as it stands, etcd and the registry first. */
  status(): ServiceStatus[] {
    const { slots = [], levels = [] } = this.#started ?? {};
    return [
      ...slots.map((slot) => serviceStatus(slot.name, 1, [slot])),
      ...levels.flat().map((group) => this.statusOf(group)),
    ];
  }

  /** One service as it stands. */
  statusOf({ name, wanted, slots }: SlotGroup): ServiceStatus {
    const spec = this.scaleOf(name);
    const load = this.#scaling?.scaler.loadEach(name);
    return serviceStatus(name, wanted, slots, spec && scalingStatus(spec, load));
  }

  /** How a service follows its load; undefined when it does not. */
  scaleOf(service: string): ScaleSpec | undefined {
    return this.#topology.specOf(service).scale;
  }

  /** Brings a service to `count` instances, as `SlotGroup.scale` does; what follows its load starts from there. */
  async scale(group: SlotGroup, count: number): Promise<void> {
    this.#scaling?.scaler.wasSet(group.name, count);
    await group.scale(count);
  }

  /** Restarts services as weft.yaml says now; see `RunningTopology.restart`. */
  restart(groups: readonly SlotGroup[]): Promise<string[]> {
    return this.#topology.restart(groups);
  }

  /** The group of a service; undefined when weft.yaml names none such. */
  group(service: string): SlotGroup | undefined {
    return this.groups().find(({ name }) => name === service);
  }

  /** The groups of all services, in dependency order. */
  groups(): readonly SlotGroup[] {
    return this.#started?.levels.flat() ?? [];
  }

  async #stop(graceMs?: number): Promise<void> {
    const { slots = [], levels = [], view } = this.#started ?? {};
    this.#scaling?.scaler.close();
    await this.#scaling?.telemetry.close();
    for (const level of levels.toReversed()) {
      await Promise.all(level.map((group) => group.stop(graceMs)));
    }
    await this.#left?.endAllBut([]);
    await Promise.all(this.#deregistrations);
    this.#mesh?.close();
    await view?.close();
    for (const slot of slots.toReversed()) await slot.stop(graceMs);
    clearInterval(this.#logTimer);
  }

  /** Waits for a start. In a takeover, a failed one is reported and goes on trying. */
  async #waitForStart(name: string, started: Promise<void>, isTakeover: boolean): Promise<void> {
    try {
      await started;
    } catch (error) {
      this.#assertGoingOn();
      if (!isTakeover) throw error;
      this.#options.onNews(
        `${messageOf(error)}\nwhat was taken over runs on, and ${name} is tried again`,
      );
    }
  }

  async #endSurplus(left: Leftovers, wanted: readonly WantedProcess[]): Promise<void> {
    const names = await left.endAllBut(wanted);
    if (names.length === 0) return;
    this.#options.onNews(
      `ended what an earlier weft up left running and weft.yaml does not want so: ${names.join(', ')}`,
    );
  }

  #followLoad(registryAddress: string): void {
    this.#assertGoingOn();
    const { topology, onNews, log } = this.#options;
    const services = topology.services.flatMap(({ name, scale }) => {
      const group = this.group(name);
      return scale === undefined || group === undefined ? [] : [{ group, spec: scale }];
    });
    if (services.length === 0) return;
    const telemetry = new TelemetryLink(registryAddress, log);
    this.#scaling = { telemetry, scaler: new Scaler({ services, telemetry, onNews, log }) };
  }

  #createGroup(spec: ServiceSpec, shared: Shared): SlotGroup {
    const { topology } = this.#options;
    return new SlotGroup({
      name: spec.name,
      canOverlap: spec.port === 0,
      admit: (count) =>
        checkScaling(topology, {
          service: spec.name,
          count,
          wantedOf: (name) => this.group(name)?.wanted ?? 0,
        }),
      createSlot: (number, isStandIn) => {
        const now = this.#topology.specOf(spec.name);
        return this.#createSlot(isStandIn ? { ...now, port: 0 } : now, number, shared);
      },
    });
  }

  #createSlot(spec: ServiceSpec, number: number, shared: Shared): Slot {
    const { folder } = this.#options;
    const topology = this.#topology.current;
    return createServiceSlot({
      ...shared,
      spec,
      number,
      host: topology.host,
      workFolder: topology.folder,
      folder,
      calls: topology.calls,
      onChange: this.#onChange,
      onEnd: (instanceId) => this.#deregister(shared.view, spec.name, instanceId),
    });
  }

  /** A process that has ended is no instance any more, however it ended: no need to wait for its lease. */
  #deregister(view: RegistryView, service: string, instanceId: string): void {
    const done = view.deregister(service, instanceId).finally(() => {
      this.#deregistrations.delete(done);
    });
    this.#deregistrations.add(done);
  }

  #onChange = (slot: Slot): void => {
    this.#options.onChange(slot);
  };

  #assertGoingOn(): void {
    if (this.#stopping) throw new OrchestratorError('stopped while starting');
  }

  #boundLogs(): void {
    for (const file of [this.#options.folder.ownLog, ...this.slots.map((slot) => slot.logFile)]) {
      try {
        boundLog(file);
      } catch (error) {
        this.#options.log.error({ err: error, file }, 'could not bound a log');
      }
    }
  }
}
