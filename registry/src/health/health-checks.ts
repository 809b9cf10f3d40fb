import { addressText, type Log, messageOf } from '@weft/proto';
import { Health, InstanceStatus } from '@weft/proto/registry';
import type { CatalogNotice } from '../store/catalog.ts';
import type { ReplicaList } from '../store/replica-list.ts';
import type { Store } from '../store/store.ts';
import type { StoredInstance } from '../store/stored-instance.ts';
import { CheckState } from './check-state.ts';
import { type CheckTimes, InstanceCheck } from './instance-check.ts';
import { ownerOf } from './rendezvous.ts';
import { Turns } from './turns.ts';

/** How often an instance is looked at, and how long it has to answer, when nothing else is said. */
export const CHECK_TIMES: CheckTimes = { intervalMs: 2000, timeoutMs: 1000 };

/** Connections being made at once. */
const CONNECTING = 64;

/** Of fewer checks nothing can be told about the registry's own connection. */
const LEAST_TO_COMPARE = 3;

export interface HealthChecksOptions {
  store: Store;
  /** Those that share the store: each checks its share. */
  replicas: ReplicaList;
  /** Id of this one. */
  replicaId: string;
  times: CheckTimes;
  log: Log;
}

interface Running {
  /** What is checked; another one means another check. */
  readonly of: string;
  readonly state: CheckState;
  readonly check: InstanceCheck;
  isWriting: boolean;
}

const keyOf = ({ service, id }: StoredInstance) => `${service}/${id}`;

function checkOf({ incarnation, leaseId, address, type, healthCheck }: StoredInstance): string {
  return JSON.stringify([incarnation, `${leaseId}`, addressText(address), type, healthCheck]);
}

/**
 * Looks after the health of the instances that ask for it: of those that fall to this replica, over one
 * connection each. What changes is noted in the store, for every replica and client to see.
 *
 * When most of what it checks is silent at once, it is the more likely one to be cut off, and notes
 * nothing against them.
 */
export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #running = new Map<string, Running>();
  readonly #turns = new Turns(CONNECTING);
  readonly #unsubscribe: (() => void)[];
  #isCutOff = false;

  constructor(options: HealthChecksOptions) {
    this.#options = options;
    const { store, replicas } = options;
    this.#unsubscribe = [
      store.catalog.subscribe((notice) => this.#notice(notice)),
      replicas.subscribe(() => this.#considerAll()),
    ];
    this.#considerAll();
  }

  /** Instances that this replica checks. */
  get size(): number {
    return this.#running.size;
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const key of [...this.#running.keys()]) this.#end(key);
  }

  #notice(notice: CatalogNotice): void {
    if (notice.kind === 'reset') this.#considerAll();
    if (notice.kind !== 'events') return;
    for (const { instance } of notice.events) this.#consider(keyOf(instance));
  }

  #considerAll(): void {
    const { catalog } = this.#options.store;
    const listed = catalog.services.flatMap((service) => catalog.instances(service));
    for (const key of new Set([...this.#running.keys(), ...listed.map(keyOf)])) this.#consider(key);
  }

  /** Begins or ends the check of an instance, as it is listed now. */
  #consider(key: string): void {
    const instance = this.#listed(key);
    const running = this.#running.get(key);
    const isOurs = instance !== undefined && this.#isOurs(instance, key);
    if (running !== undefined && (!isOurs || running.of !== checkOf(instance))) this.#end(key);
    if (isOurs && !this.#running.has(key)) this.#begin(key, instance);
  }

  #listed(key: string): StoredInstance | undefined {
    const [service = '', id = ''] = key.split('/');
    return this.#options.store.catalog.get(service, id);
  }

  #isOurs({ healthCheck, status }: StoredInstance, key: string): boolean {
    const { replicas, replicaId } = this.#options;
    // Whoever says itself that it takes no calls need not be asked.
    if (healthCheck === undefined || status !== InstanceStatus.INSTANCE_STATUS_RUNNING)
      return false;
    const members = replicas.live.map(({ id }) => id);
    return ownerOf(key, members) === replicaId;
  }

  #begin(key: string, instance: StoredInstance): void {
    const state = new CheckState();
    const running: Running = {
      of: checkOf(instance),
      state,
      isWriting: false,
      check: new InstanceCheck({
        instance,
        turns: this.#turns,
        ...this.#options.times,
        onFinding: (finding) => {
          state.observe(finding);
          void this.#note(key, running);
        },
      }),
    };
    this.#running.set(key, running);
  }

  #end(key: string): void {
    this.#running.get(key)?.check.close();
    this.#running.delete(key);
  }

  /** Brings the store in line with what was found, if it is not. What fails is tried at the next look. */
  async #note(key: string, running: Running): Promise<void> {
    const { store, log } = this.#options;
    const { health, last } = running.state;
    const instance = this.#listed(key);
    if (instance === undefined || instance.health === health || running.isWriting) return;
    if (health === Health.HEALTH_UNSPECIFIED || store.catalog.isStale) return;
    if (last === 'silent' && this.#looksCutOff()) return;
    running.isWriting = true;
    const fields = { service: instance.service, id: instance.id, found: last };
    try {
      const isNoted = await store.setHealth(instance, health);
      if (isNoted && last === 'serving') log.info(fields, 'an instance passes its health check');
      else if (isNoted) log.warn(fields, 'an instance fails its health check');
    } catch (error) {
      log.debug({ ...fields, error: messageOf(error) }, 'its health could not be noted');
    } finally {
      running.isWriting = false;
    }
  }

  #looksCutOff(): boolean {
    const states = [...this.#running.values()].map(({ state }) => state.last);
    const silent = states.filter((last) => last === 'silent').length;
    const isCutOff = states.length >= LEAST_TO_COMPARE && silent > states.length / 2;
    if (isCutOff && !this.#isCutOff) {
      const fields = { silent, checked: states.length };
      this.#options.log.warn(fields, 'most instances are silent: this registry may be cut off');
    }
    this.#isCutOff = isCutOff;
    return isCutOff;
  }
}
