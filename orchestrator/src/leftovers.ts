import { adoptProcess } from './process/adopted-process.ts';
import type { ManagedProcess } from './process/managed-process.ts';
import { isAlive } from './process/process-identity.ts';
import type { MeshState, StartedProcess } from './state-file.ts';

/** How long a process left over may take to end before it is killed. */
const LEFTOVER_GRACE_MS = 5000;

/** A process as a mesh wants it. */
export interface WantedProcess {
  /** Its slot. */
  readonly name: string;
  /** See `specificationOf`. */
  readonly specification: string;
}

/** What still runs of a mesh whose orchestrator is gone. */
export function leftoversOf({ orchestrator, processes }: MeshState): StartedProcess[] {
  return isAlive(orchestrator) ? [] : processes.filter(isAlive);
}

/** Those of `left` that are not wanted as they are; of two in one slot, the later. */
export function surplusOf(
  left: readonly StartedProcess[],
  wanted: readonly WantedProcess[],
): StartedProcess[] {
  const open = new Map(wanted.map(({ name, specification }) => [name, specification]));
  return left.filter(({ name, specification }) => {
    const isWanted = open.has(name) && open.get(name) === specification;
    if (isWanted) open.delete(name);
    return !isWanted;
  });
}

/** The start of a process, or one taken over. */
export interface Run {
  readonly process: ManagedProcess;
  /** What runs already, where it was taken over. */
  readonly adopted: StartedProcess | undefined;
}

/**
 * The processes that an orchestrator which is gone left running, each until a slot takes it over or it is
 * ended. Only processes proven to be the recorded ones are touched, and only by who holds the lock of the
 * folder: no other orchestrator is then up there.
 */
export class Leftovers {
  /** Where etcd, the registry and its web page answered, `host:port`; empty if unknown. */
  readonly addresses: Pick<MeshState, 'etcd' | 'registry' | 'page'>;
  readonly #remaining: Set<StartedProcess>;
  readonly #ends = new Map<StartedProcess, Promise<unknown>>();

  /** @param state What it wrote last; undefined when there was none. */
  constructor(state: MeshState | undefined) {
    const { etcd = '', registry = '', page = '' } = state ?? {};
    this.addresses = { etcd, registry, page };
    this.#remaining = new Set(state === undefined ? [] : leftoversOf(state));
  }

  /** Neither taken over nor ended yet. */
  get remaining(): readonly StartedProcess[] {
    return [...this.#remaining];
  }

  /**
   * Takes over what runs as `wanted`, once; else starts it.
   * @param restGraceMs As for `startChild`, of a process that is taken over.
   */
  takeOrStart(
    { name, specification }: WantedProcess,
    start: () => ManagedProcess,
    restGraceMs?: number,
  ): Run {
    const adopted = this.remaining.find(
      (left) => left.name === name && left.specification === specification,
    );
    if (adopted === undefined) return { process: start(), adopted };
    this.#remaining.delete(adopted);
    return { process: adoptProcess(adopted, restGraceMs), adopted };
  }

  /**
   * Ends all that `wanted` does not name: services first, so that they can deregister, then the registry and
   * etcd. Answers their names.
   */
  async endAllBut(
    wanted: readonly WantedProcess[],
    graceMs = LEFTOVER_GRACE_MS,
  ): Promise<string[]> {
    const surplus = surplusOf(this.remaining, wanted);
    const foundation = surplus.filter(({ name }) => name === 'etcd' || name === 'registry');
    const services = surplus.filter((left) => !foundation.includes(left));
    await Promise.all(services.map((left) => this.#end(left, graceMs)));
    for (const left of foundation.toReversed()) await this.#end(left, graceMs);
    return surplus.map(({ name }) => name);
  }

  #end(left: StartedProcess, graceMs: number): Promise<unknown> {
    let end = this.#ends.get(left);
    if (end === undefined) {
      const process = adoptProcess(left);
      process.terminate(graceMs);
      end = process.exited.then(() => this.#remaining.delete(left));
      this.#ends.set(left, end);
    }
    return end;
  }
}
