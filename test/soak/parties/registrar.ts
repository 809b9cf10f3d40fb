import { pause } from '@weft/proto';
import type { Instance } from '@weft/proto/registry';
import { ClientError, Status } from 'nice-grpc';
import type { WriteRecord } from '../history.ts';
import type { Recorder } from '../recorder.ts';
import type { Links, RegistryClient } from './links.ts';

const CALL_MS = 3000;
/** Shortest that etcd grants. */
const TTL_SECONDS = 2;
const RENEW_MS = (TTL_SECONDS * 1000) / 3;

export interface RegistrarOptions {
  readonly service: string;
  readonly id: string;
  readonly port: number;
  /** Shared: as many connections as instances would be most of the load. */
  readonly links: Links;
  readonly recorder: Recorder;
  readonly random: () => number;
}

type Call = (client: RegistryClient, signal: AbortSignal) => Promise<WriteRecord['outcome']>;

/**
 * One instance that comes and goes for ever, each call at a random replica: it registers, renews,
 * changes, registers again, is replaced, leaves in order or just stops renewing.
 */
export class Registrar {
  readonly key: string;
  readonly #options: RegistrarOptions;
  readonly #links: Links;
  /** Ends the coming and going; who is listed stays so. */
  readonly #calmer = new AbortController();
  readonly #closer = new AbortController();
  readonly #running: Promise<void>;
  #incarnation = 0;
  #weight = 1;
  #leaseId: bigint | undefined;
  #isLeaving = false;

  constructor(options: RegistrarOptions) {
    this.#options = options;
    this.key = `${options.service}/${options.id}`;
    this.#links = options.links;
    this.#running = this.#run();
  }

  /** The lease it lives by; undefined while it is not there, or not known to be. */
  get leaseId(): string | undefined {
    return this.#leaseId === undefined ? undefined : `${this.#leaseId}`;
  }

  /** From now on it only stays listed, and comes back if it is not. */
  calm(): void {
    this.#calmer.abort();
  }

  async close(): Promise<void> {
    this.#calmer.abort();
    this.#closer.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    const { signal } = this.#closer;
    while (!signal.aborted) {
      await pause(4000 * random(), this.#calmer.signal);
      await this.#live();
    }
  }

  /** From coming to going. */
  async #live(): Promise<void> {
    const { random } = this.#options;
    const { signal } = this.#closer;
    this.#incarnation += 1;
    this.#isLeaving = false;
    await this.#register();
    while (!this.#isLeaving && !signal.aborted) {
      await pause(RENEW_MS * (0.7 + 0.3 * random()), signal);
      if (signal.aborted) return;
      await this.#renew();
      if (this.#leaseId === undefined) await this.#register();
      else if (!this.#calmer.signal.aborted) await this.#change();
    }
  }

  /** One of what an owner does besides renewing; mostly nothing. */
  async #change(): Promise<void> {
    const { random } = this.#options;
    const chance = random();
    if (chance < 0.35) return this.#update();
    if (chance < 0.4) return this.#register();
    if (chance < 0.45) {
      this.#incarnation += 1;
      this.#depart(TTL_SECONDS * 1000);
      return this.#register();
    }
    if (chance < 0.5) return this.#leave();
    if (chance < 0.54) {
      this.#depart(TTL_SECONDS * 1000);
      this.#isLeaving = true;
    }
  }

  /** Tries until it is listed, or the end. */
  async #register(): Promise<void> {
    const { service, id, port, random } = this.#options;
    const { signal } = this.#closer;
    this.#weight += 1;
    const instance = {
      service,
      id,
      address: { host: '127.0.0.1', port },
      weight: this.#weight,
      incarnation: `run-${this.#incarnation}`,
      metadata: new Map([['run', `${this.#incarnation}`]]),
    };
    while (!signal.aborted) {
      const outcome = await this.#write('register', async (client, callSignal) => {
        const request = { instance, ttlSeconds: TTL_SECONDS, skipCallback: true };
        const { revision, ...answer } = await client.register(request, { signal: callSignal });
        this.#leaseId = answer.leaseId;
        return { ...this.#stored(answer.instance), revision: Number(revision) };
      });
      if (outcome.kind === 'stored') return;
      await pause(300 * random(), signal);
    }
  }

  async #update(): Promise<void> {
    const { service, id } = this.#options;
    const leaseId = this.#leaseId ?? 0n;
    this.#weight += 1;
    await this.#write('update', async (client, signal) => {
      const change = { service, id, leaseId, weight: this.#weight };
      const { instance, revision } = await client.updateInstance(change, { signal });
      return { ...this.#stored(instance), revision: Number(revision) };
    });
  }

  async #leave(): Promise<void> {
    const { service, id } = this.#options;
    const leaseId = this.#leaseId ?? 0n;
    const { kind } = await this.#write('deregister', async (client, signal) => {
      const answer = await client.deregister({ service, id, leaseId }, { signal });
      const what = answer.removed ? 'removed' : 'not-there';
      return { kind: what, revision: Number(answer.revision), leaseId: `${leaseId}` };
    });
    this.#depart(kind === 'failed' ? TTL_SECONDS * 1000 : 0);
    this.#isLeaving = true;
  }

  async #renew(): Promise<void> {
    const leaseId = this.#leaseId;
    const { random } = this.#options;
    if (leaseId === undefined) return;
    const client = this.#links.to(this.#links.choose(random()));
    const signal = AbortSignal.any([this.#closer.signal, AbortSignal.timeout(CALL_MS)]);
    const once = async function* () {
      yield { leaseIds: [leaseId] };
    };
    try {
      for await (const { leases } of client.keepAlive(once(), { signal })) {
        if (leases[0]?.ttlSeconds === 0) this.#leaseId = undefined;
      }
    } catch {
      // It asks another replica the next time; a lease that ends meanwhile is answered with 0 then.
    }
  }

  #stored(instance: Instance | undefined) {
    const isAsAsked = instance?.weight === this.#weight;
    const content = instance ? this.#options.recorder.contents.nameOf(instance) : 'nothing';
    return { kind: 'stored', content, isAsAsked } as const;
  }

  #depart(ttlMs: number): void {
    const { recorder } = this.#options;
    const { leaseId, key } = this;
    this.#leaseId = undefined;
    if (leaseId !== undefined) {
      recorder.departures.push({ atMs: recorder.nowMs, key, leaseId, ttlMs });
    }
  }

  async #write(op: WriteRecord['op'], call: Call): Promise<WriteRecord['outcome']> {
    const { recorder, random } = this.#options;
    const replica = this.#links.choose(random());
    const signal = AbortSignal.any([this.#closer.signal, AbortSignal.timeout(CALL_MS)]);
    const sentAtMs = recorder.nowMs;
    let outcome: WriteRecord['outcome'];
    try {
      outcome = await call(this.#links.to(replica), signal);
    } catch (error) {
      const code = error instanceof ClientError ? (Status[error.code] ?? '?') : 'GIVEN_UP';
      outcome = { kind: 'failed', code };
    }
    const { key } = this;
    recorder.writes.push({ op, key, replica, sentAtMs, doneAtMs: recorder.nowMs, outcome });
    return outcome;
  }
}
