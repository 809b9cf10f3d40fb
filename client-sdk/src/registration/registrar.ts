import { type Log, leaseText, messageOf, pause } from '@weft/proto';
import type { Instance, InstanceStatus } from '@weft/proto/registry';
import { Backoff } from '../backoff.ts';
import type { RegistryConnection } from '../discovery/registry-connection.ts';
import { isReplicaFault, reportedRefusal } from './refusal.ts';
import { openRenewalStream, type RenewalStream } from './renewal.ts';

export interface RegistrarOptions {
  /** What to list; its id and incarnation must be set, so that registering is idempotent. */
  instance: Instance;
  /** Lease time to live, in seconds. */
  ttlSeconds: number;
  /** Whether the registry lists it without calling it back. Default false. */
  skipCallback?: boolean;
  registry: RegistryConnection;
  log: Log;
  random: () => number;
}

/** How long one unary request to the registry may take, in ms. */
const REQUEST_TIMEOUT_MS = 3000;

interface Lease {
  readonly id: bigint;
  readonly ttlMs: number;
  /** When it has run out for certain, on the monotonic clock. */
  readonly expiresAt: number;
}

/**
 * Keeps one instance listed for as long as it runs, through every failure of the registry: renews at
 * a third of the TTL, on another replica if need be, and registers again whenever the lease is gone.
 * The lease's end is judged by this process's own monotonic clock.
 *
 * It keeps its incarnation when it registers again, as an incarnation is one run of the process: clients
 * then know what they are connected to, and lose no call to a registry that was away for longer than
 * the TTL. What a former run, or a former lease of this one, still asks of the registry is told by its
 * lease id.
 */
export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #closer = new AbortController();
  readonly #backoff: Backoff;
  /** Settled by the first registration, and by a refusal that is reported. */
  #registered = newRegistration();
  /** When the registry first refused it, since it was registered last; undefined if it did not. */
  #refusedAt: number | undefined;
  #isRefusalLogged = false;
  #instance: Instance;
  #lease: Lease | undefined;
  /** The status that the registry lists, as far as it has told us. */
  #listedStatus: InstanceStatus | undefined;
  /** When it was first asked for, on the monotonic clock; the registry listed it no earlier. */
  #firstAskedAtMs: number | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: RegistrarOptions) {
    this.#options = options;
    this.#instance = options.instance;
    this.#backoff = new Backoff({ random: options.random });
  }

  /** The instance as it is, or is to be, listed. */
  get instance(): Instance {
    return this.#instance;
  }

  /** Whether the registry lists it, as far as is known: it has a lease that has not run out. */
  get isRegistered(): boolean {
    return this.#lease !== undefined && performance.now() <= this.#lease.expiresAt;
  }

  /** For how long clients may have known the instance, in ms: since it first asked to be listed; 0 before. */
  get listedMs(): number {
    return this.#firstAskedAtMs === undefined ? 0 : performance.now() - this.#firstAskedAtMs;
  }

  /** Begins to register; returns at once. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /**
   * Resolves once it has been listed. Rejects if it is closed before, or if the registry refuses it: an
   * invalid instance at once, an id that another instance holds after two TTLs (INSTANCE_EXISTS). The
   * registrar goes on trying.
   */
  registered(): Promise<Instance> {
    return this.#registered.promise;
  }

  /**
   * Changes the listed status, now and in every later registration. Answers the revision at which the
   * registry lists it so; undefined when it does not answer in time: it is told with the next renewal.
   */
  async setStatus(status: InstanceStatus): Promise<bigint | undefined> {
    this.#instance = { ...this.#instance, status };
    return this.#tellStatus();
  }

  /**
   * Stops renewing and takes the instance off the list; leaves no key behind, not even when a
   * registration is under way. Without the registry the lease runs out by itself.
   */
  async close(): Promise<void> {
    this.#closer.abort();
    await this.#loop;
    this.#registered.reject(new Error('closed before the registry listed it'));
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    const { service, id } = this.#instance;
    await this.#try('deregister', (client, signal) =>
      client.deregister({ service, id, leaseId: lease.id }, { signal }),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#closer;
    const { registry, log } = this.#options;
    while (!signal.aborted) {
      const { replica } = registry;
      try {
        const lease = this.#lease ?? (await this.#register());
        await this.#tellStatus();
        await this.#renew(openRenewalStream(replica.client), lease);
        // The lease is gone. One that keeps getting lost is not asked for without end.
        await pause(this.#backoff.nextMs(), signal);
      } catch (error) {
        if (signal.aborted) return;
        const { service, id } = this.#instance;
        const reason = messageOf(error);
        log.warn(
          { service, id, registry: replica.address, error: reason },
          'not registered with the registry, or not renewed; trying again',
        );
        this.#reportRefusal(error);
        const isElsewhere = isReplicaFault(error) && registry.failover(replica);
        await pause(this.#backoff.nextMs(isElsewhere), signal);
      }
      this.#forgetExpiredLease();
    }
  }

  async #register(): Promise<Lease> {
    const { registry, ttlSeconds, skipCallback = false, log } = this.#options;
    const { replica } = registry;
    const { status } = this.#instance;
    this.#firstAskedAtMs ??= performance.now();
    const response = await replica.client.register(
      { instance: this.#instance, ttlSeconds, skipCallback },
      { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) },
    );
    this.#instance = { ...this.#instance, ...response.instance, status: this.#instance.status };
    const ttlMs = response.ttlSeconds * 1000;
    this.#lease = { id: response.leaseId, ttlMs, expiresAt: performance.now() + ttlMs };
    this.#listedStatus = status;
    const { service, id } = this.#instance;
    log.info({ service, id, registry: replica.address, ttlSeconds: ttlMs / 1000 }, 'registered');
    this.#registered.resolve(this.#instance);
    this.#refusedAt = undefined;
    this.#isRefusalLogged = false;
    return this.#lease;
  }

  /** Rejects `registered` if the registry refuses the instance for good, or for long. */
  #reportRefusal(error: unknown): void {
    if (isReplicaFault(error)) return;
    const { log, ttlSeconds } = this.#options;
    const now = performance.now();
    this.#refusedAt ??= now;
    const refusal = reportedRefusal(error, now - this.#refusedAt, ttlSeconds * 1000);
    if (refusal === undefined) return;
    const { service, id } = this.#instance;
    if (!this.#isRefusalLogged) log.error({ service, id, err: refusal }, 'the registry refuses it');
    this.#isRefusalLogged = true;
    this.#registered.reject(refusal);
    this.#registered = newRegistration();
  }

  /** Renews until the stream breaks, which it throws, or the registry no longer knows the lease. */
  async #renew(stream: RenewalStream, { id, ttlMs }: Lease): Promise<void> {
    const { signal } = this.#closer;
    const { random, log } = this.#options;
    const abandon = () => stream.close();
    signal.addEventListener('abort', abandon, { once: true });
    try {
      while (!signal.aborted) {
        const askedAt = performance.now();
        const ttlSeconds = await stream.renew(id, ttlMs / 3);
        if (ttlSeconds === 0) {
          const { service } = this.#instance;
          log.warn({ service, lease: leaseText(id) }, 'the lease is gone');
          this.#lease = undefined;
          return;
        }
        this.#lease = { id, ttlMs, expiresAt: askedAt + ttlMs };
        this.#backoff.reset();
        await this.#tellStatus();
        // A third of the TTL, up to a tenth earlier, so that many instances do not renew in step.
        await pause((ttlMs / 3) * (1 - 0.1 * random()), signal);
      }
    } finally {
      signal.removeEventListener('abort', abandon);
      stream.close();
    }
  }

  /** Brings the listed status in line with ours, if it is not. Answers since which revision it is. */
  async #tellStatus(): Promise<bigint | undefined> {
    const { service, id, status } = this.#instance;
    const lease = this.#lease;
    if (lease === undefined || status === this.#listedStatus) return undefined;
    return this.#try('update', async (client, signal) => {
      const request = { service, id, leaseId: lease.id, status };
      const { revision } = await client.updateInstance(request, { signal });
      this.#listedStatus = status;
      return revision;
    });
  }

  #forgetExpiredLease(): void {
    if (this.#lease !== undefined && performance.now() > this.#lease.expiresAt) {
      this.#lease = undefined;
    }
  }

  async #try<T>(
    what: string,
    request: (client: RegistryConnection['replica']['client'], signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const { registry, log } = this.#options;
    const { replica } = registry;
    try {
      return await request(replica.client, AbortSignal.timeout(REQUEST_TIMEOUT_MS));
    } catch (error) {
      const reason = messageOf(error);
      log.warn({ what, registry: replica.address, error: reason }, 'the registry was not told');
      if (isReplicaFault(error)) registry.failover(replica);
      return undefined;
    }
  }
}

/** A registration that callers may wait for. It is no error if none does and it fails. */
function newRegistration(): PromiseWithResolvers<Instance> {
  const registration = Promise.withResolvers<Instance>();
  registration.promise.catch(() => {});
  return registration;
}
