import { addressText, GrpcServer, type HttpServer, type Log, messageOf, route } from '@weft/proto';
import { OrchestratorServiceDefinition } from '@weft/proto/orchestrator';
import { ArchitecturePublisher } from './architecture/architecture-publisher.ts';
import { createControlSecret, requireSecret } from './control/control-secret.ts';
import { createOrchestratorHandlers } from './control/orchestrator-handlers.ts';
import { OrchestratorError } from './errors.ts';
import { takeLock } from './folder-lock.ts';
import { Leftovers } from './leftovers.ts';
import type { MeshFolder } from './mesh-folder.ts';
import { weftCommand } from './output/weft-command.ts';
import { identityOf, type ProcessIdentity } from './process/process-identity.ts';
import { ProcessRecord } from './process-record.ts';
import type { Slot } from './slot/slot.ts';
import { SlotReporter } from './slot/slot-reporter.ts';
import {
  type MeshState,
  readState,
  removeState,
  type StartedProcess,
  writeState,
} from './state-file.ts';
import type { ChosenStore } from './store-choice.ts';
import { Supervisor } from './supervisor.ts';
import type { Topology } from './topology/topology.ts';

/** Other commands reach the orchestrator on this machine only. */
const CONTROL_HOST = '127.0.0.1';

export interface OrchestratorOptions {
  readonly topology: Topology;
  readonly folder: MeshFolder;
  readonly store: ChosenStore;
  readonly log: Log;
  /** Told in a sentence what happens. */
  readonly onNews: (text: string) => void;
  /** Port of `GET /metrics`, on this machine only; 0 takes a free one. Default: none. */
  readonly metricsPort?: number | undefined;
}

/** One mesh and its control server, kept in one folder that no other orchestrator may use meanwhile. */
export class Orchestrator {
  readonly supervisor: Supervisor;
  /** Resolves when `stop` is done, whoever asked for it. */
  readonly stopped: Promise<void>;
  readonly #resolveStopped: () => void;
  readonly #options: OrchestratorOptions;
  readonly #reporter = new SlotReporter();
  readonly #record: ProcessRecord;
  readonly #identities = new WeakMap<Slot, ProcessIdentity>();
  #left = new Leftovers(undefined);
  #control: GrpcServer | undefined;
  #metrics: HttpServer | undefined;
  #publisher: ArchitecturePublisher | undefined;
  #listening: Promise<void> | undefined;
  readonly #secret = createControlSecret();
  #controlAddress = '';
  #releaseLock: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: OrchestratorOptions) {
    this.#options = options;
    const { stateFile } = options.folder;
    this.#record = new ProcessRecord({
      file: stateFile,
      write: () => {
        const state = this.#state();
        writeState(stateFile, state);
        return state.processes;
      },
      recorded: readState(stateFile)?.processes ?? [],
      slots: () => this.supervisor.slots,
      onNews: (text) => this.#tell(text),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.stopped = promise;
    this.#resolveStopped = resolve;
    this.supervisor = new Supervisor({
      ...options,
      onChange: (slot) => this.#onChange(slot),
      onInstances: () => this.#publisher?.changed(),
    });
  }

  /**
   * Starts the mesh; what an orchestrator that crashed left running is taken over where weft.yaml still wants
   * it so, else ended. Answers whether it is up: false when it was told to stop meanwhile, and has.
   * @throws OrchestratorError when the folder is in use or something does not start; nothing is then left
   * running. PortError when a port is taken, ProgramError when a command cannot run; what ran before then runs on.
   */
  async start(): Promise<boolean> {
    const { folder } = this.#options;
    this.#releaseLock = takeLock(folder.lockFile);
    if (this.#releaseLock === undefined) throw this.#inUse();
    try {
      this.#left = new Leftovers(readState(folder.stateFile));
      this.#listening = this.#listen();
      await this.#listening;
      await this.supervisor.start(this.#left);
      this.#showArchitecture();
      return this.#stopping === undefined;
    } catch (error) {
      const isWanted = this.#stopping !== undefined;
      await this.stop();
      if (isWanted) return false;
      throw error;
    }
  }

  /** Stops the mesh in reverse order; `graceMs` as for the supervisor. Resolves when all is gone. */
  stop(graceMs?: number): Promise<void> {
    if (this.#stopping && graceMs !== undefined) void this.supervisor.stop(graceMs);
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs?: number): Promise<void> {
    await Promise.all([this.#publisher?.close(), this.supervisor.stop(graceMs)]);
    await this.#listening?.catch(() => {});
    await this.#control?.close(1000);
    await this.#metrics?.close();
    if (this.#releaseLock) {
      this.#record.close();
      if (this.#left.remaining.length === 0) removeState(this.#options.folder.stateFile);
      this.#releaseLock();
    }
    this.#resolveStopped();
  }

  async #listen(): Promise<void> {
    const { supervisor } = this;
    const handlers = createOrchestratorHandlers({
      supervisor,
      store: this.#options.store.kind === 'memory' ? 'memory' : 'etcd',
      stop: async () => {
        this.#options.onNews('weft down: stopping');
        void this.stop();
        await supervisor.stop();
      },
    });
    this.#control = new GrpcServer({
      routes: [route(OrchestratorServiceDefinition, requireSecret(handlers, this.#secret))],
      log: this.#options.log,
    });
    const port = await this.#control.listen(addressText({ host: CONTROL_HOST, port: 0 }));
    this.#controlAddress = addressText({ host: CONTROL_HOST, port });
    this.#record.write();
    await this.#showMetrics();
  }

  async #showMetrics(): Promise<void> {
    const { metricsPort, onNews, log } = this.#options;
    if (metricsPort === undefined) return;
    // The library for it takes its time to load.
    const { metricsServer } = await import('./metrics/metrics-server.ts');
    this.#metrics = metricsServer(this.supervisor, log);
    const port = await this.#metrics.listen(CONTROL_HOST, metricsPort).catch((error) => {
      throw new OrchestratorError(messageOf(error));
    });
    onNews(`metrics: http://${addressText({ host: CONTROL_HOST, port })}/metrics`);
  }

  /** Keeps the page of the registry told of the architecture. */
  #showArchitecture(): void {
    if (this.#stopping !== undefined) return;
    const { topology, folder, log } = this.#options;
    const registry = this.supervisor.registryAddress;
    this.#publisher = new ArchitecturePublisher({ topology, folder, registry, log });
  }

  #onChange(slot: Slot): void {
    this.#record.update();
    const news = this.#reporter.describe(slot);
    if (news === undefined) return;
    this.#tell(news, slot.name);
  }

  #tell(news: string, slot?: string): void {
    this.#options.log.info({ slot }, news);
    this.#options.onNews(news);
  }

  #state(): MeshState {
    const orchestrator = identityOf(process.pid);
    if (orchestrator === undefined) throw new Error('cannot tell our own identity');
    return {
      orchestrator,
      control: this.#controlAddress,
      secret: this.#secret,
      registry: this.supervisor.registryAddress || this.#left.addresses.registry,
      page: this.supervisor.pageAddress || this.#left.addresses.page,
      etcd: this.supervisor.etcdEndpoints || this.#left.addresses.etcd,
      processes: [
        ...this.supervisor.slots.flatMap((slot) => this.#started(slot)),
        ...this.#left.remaining,
      ],
    };
  }

  #started(slot: Slot): StartedProcess[] {
    const { pid, name, specification, instanceId, port, startTime } = slot;
    if (pid === undefined || startTime === undefined) return [];
    const known = this.#identities.get(slot);
    const identity = known?.pid === pid ? known : identityOf(pid);
    if (identity === undefined) return [];
    this.#identities.set(slot, identity);
    const startTimeMs = Number(startTime);
    return [{ name, specification, instanceId, port, startTimeMs, ...identity }];
  }

  #inUse(): OrchestratorError {
    const { folder, topology } = this.#options;
    const pid = readState(folder.stateFile)?.orchestrator.pid;
    const who = pid === undefined ? '' : ` (pid ${pid})`;
    return new OrchestratorError(
      `the mesh of ${topology.file} is up already${who}: see \`${weftCommand('status')}\`, end it with \`${weftCommand('down')}\`.`,
    );
  }
}
