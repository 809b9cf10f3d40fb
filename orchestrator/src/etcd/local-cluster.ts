import { join } from 'node:path';
import { addressText } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import { takeLock } from '../folder-lock.ts';
import { adoptProcess } from '../process/adopted-process.ts';
import { whyTaken } from '../process/ports.ts';
import { identityOf, isAlive } from '../process/process-identity.ts';
import { ProcessRecord } from '../process-record.ts';
import { etcdProbe } from '../slot/probes.ts';
import { Slot } from '../slot/slot.ts';
import { SlotReporter } from '../slot/slot-reporter.ts';
import { specificationOf } from '../specification.ts';
import {
  type ClusterLayout,
  type ClusterMember,
  type ClusterWishes,
  clientEndpoints,
  initialCluster,
  type MemberProcess,
  planCluster,
  readLayout,
  writeLayout,
} from './cluster-layout.ts';
import { startEtcdChild } from './etcd-child.ts';

const HEALTH = {
  intervalMs: 2000,
  timeoutMs: 1000,
  startTimeoutMs: 30_000,
  restartAfterMs: 30_000,
};
const STOP_TIMEOUT_MS = 5000;

export interface LocalClusterOptions extends ClusterWishes {
  /** Path of the etcd program. */
  readonly binary: string;
  /** Folder of all data and logs; kept between runs. */
  readonly dataDir: string;
  /** Told in a sentence what happens. */
  readonly onNews: (text: string) => void;
}

/** An etcd of several members on this machine, each kept running, for development and tests. */
export class LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #reporter = new SlotReporter();
  readonly #stopped = Promise.withResolvers<void>();
  #record: ProcessRecord | undefined;
  #slots: readonly Slot[] = [];
  #releaseLock: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /** Resolves when `stop` is done. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  /**
   * Starts all members and waits until each is healthy. Answers where clients reach them, with commas
   * between; undefined when it was told to stop meanwhile, and has.
   * @throws OrchestratorError when the folder is in use, a port is taken, or a member does not start;
   * nothing is then left running
   */
  async start(): Promise<string | undefined> {
    const { dataDir, onNews } = this.#options;
    this.#releaseLock = takeLock(join(dataDir, 'lock.db'));
    if (this.#releaseLock === undefined) {
      throw new OrchestratorError(
        `the etcd of ${dataDir} is up already; choose another --data-dir.`,
      );
    }
    try {
      const file = this.#file;
      const before = readLayout(file);
      const left = await endLeft(before?.processes ?? []);
      if (left.length > 0) onNews(`ended what an earlier run left: ${left.join(', ')}`);
      const layout = await planCluster(before, this.#options, file);
      await assertFree(layout);
      this.#record = this.#createRecord(layout);
      this.#record.write();
      this.#slots = layout.members.map((member) => this.#slot(layout, member));
      if (this.#stopping === undefined) for (const slot of this.#slots) slot.start();
      await Promise.all(this.#slots.map((slot) => slot.healthy()));
      return clientEndpoints(layout);
    } catch (error) {
      const isWanted = this.#stopping !== undefined;
      await this.stop();
      if (isWanted) return undefined;
      throw error;
    }
  }

  /** Stops all members, at once with `graceMs` 0. Resolves when none is left. */
  stop(graceMs?: number): Promise<void> {
    if (this.#stopping !== undefined && graceMs !== undefined) {
      for (const slot of this.#slots) void slot.stop(graceMs);
    }
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs?: number): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.stop(graceMs)));
    this.#record?.close();
    this.#releaseLock?.();
    this.#stopped.resolve();
  }

  get #file(): string {
    return join(this.#options.dataDir, 'cluster.json');
  }

  #slot(layout: ClusterLayout, { name, clientPort, peerPort }: ClusterMember): Slot {
    const { binary, dataDir } = this.#options;
    const { host } = layout;
    const logFile = join(dataDir, `${name}.log`);
    const settings = {
      binary,
      dataDir: join(dataDir, name),
      host,
      clientPort,
      peerPort,
      logFile,
      flags: { name, 'initial-cluster': initialCluster(layout) },
    };
    return new Slot({
      name,
      specification: specificationOf(settings),
      logFile,
      health: HEALTH,
      stopTimeoutMs: STOP_TIMEOUT_MS,
      onChange: (slot) => this.#onChange(slot),
      launch: () => ({
        process: startEtcdChild(settings),
        adopted: undefined,
        probe: etcdProbe(addressText({ host, port: clientPort })),
        instanceId: '',
      }),
    });
  }

  #createRecord(layout: ClusterLayout): ProcessRecord {
    return new ProcessRecord({
      file: this.#file,
      write: () => {
        const processes = this.#slots.flatMap(startedProcess);
        writeLayout(this.#file, { ...layout, processes });
        return processes;
      },
      recorded: [],
      slots: () => this.#slots,
      onNews: this.#options.onNews,
    });
  }

  #onChange(slot: Slot): void {
    this.#record?.update();
    const news = this.#reporter.describe(slot);
    if (news !== undefined) this.#options.onNews(news);
  }
}

/** Ends what an earlier run left, which was killed. Only who holds the lock may. Answers their names. */
async function endLeft(processes: readonly MemberProcess[]): Promise<string[]> {
  const left = processes.filter(isAlive);
  const ends = left.map((each) => {
    const process = adoptProcess(each);
    process.terminate(STOP_TIMEOUT_MS);
    return process.exited;
  });
  await Promise.all(ends);
  return left.map(({ name }) => name);
}

function startedProcess({ name, pid }: Slot): MemberProcess[] {
  const identity = pid === undefined ? undefined : identityOf(pid);
  return identity === undefined ? [] : [{ name, ...identity }];
}

async function assertFree({ host, members }: ClusterLayout): Promise<void> {
  for (const { name, clientPort, peerPort } of members) {
    for (const port of [clientPort, peerPort]) {
      const reason = await whyTaken(host, port);
      if (reason === undefined) continue;
      throw new OrchestratorError(
        `${name} cannot listen on ${addressText({ host, port })} (${reason}): end what does, or choose other ports with --client-port or --data-dir.`,
      );
    }
  }
}
