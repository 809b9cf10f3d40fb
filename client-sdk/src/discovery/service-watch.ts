import type { Log } from '@weft/proto';
import { Status } from 'nice-grpc';
import { ClientError } from 'nice-grpc-common';
import { Backoff, pause } from '../backoff.ts';
import { WeftError } from '../errors.ts';
import type { RegistryConnection, Replica } from './registry-connection.ts';
import type { ServiceSnapshot } from './service-snapshot.ts';
import { ServiceView } from './service-view.ts';
import { SnapshotParts } from './snapshot-parts.ts';

/** Who is told what a watch brings. */
export interface SnapshotListener {
  /** The instances have changed; also told once to a new follower if they are known. */
  snapshotChanged(snapshot: ServiceSnapshot): void;
  /** Nothing is known of the service yet and the registry cannot be asked. The watch tries on. */
  discoveryFailed(error: WeftError): void;
}

export interface ServiceWatchOptions {
  service: string;
  registry: RegistryConnection;
  listener: SnapshotListener;
  /** Age without news after which a snapshot is stale, in ms. */
  ttlMs: number;
  log: Log;
}

/** A stream that says nothing at first for this long is given up; the registry answers at once. */
const FIRST_WORD_MS = 3000;

/** A stream without even a progress mark for this long is given up; the registry marks each 10 s. */
const SILENCE_MS = 30_000;

/**
 * How long an empty set right after a reconnect is doubted: a registry that has just restarted may
 * not have heard from the instances yet, and an empty set is an outage of our own making.
 */
const EMPTY_DOUBT_MS = 10_000;

/**
 * Follows one service in the registry for as long as it is open, through every failure of it: resumes
 * after the last revision, on another replica if need be. What was known is kept until replaced.
 */
export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  readonly #view = new ServiceView();
  readonly #closer = new AbortController();
  readonly #backoff = new Backoff();
  #snapshot: ServiceSnapshot | undefined;
  #failure: WeftError | undefined;
  #confirmedAt = 0;
  /** Failures before the first answer. */
  #replicasAsked = 0;
  #doubtEmptyUntil = 0;
  #doubt: NodeJS.Timeout | undefined;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    void this.#run();
  }

  /** What is known; `stale` is as of now. Undefined before the first answer of the registry. */
  get snapshot(): ServiceSnapshot | undefined {
    if (this.#snapshot === undefined) return undefined;
    const stale = this.#isStale();
    if (this.#snapshot.stale !== stale) this.#snapshot = { ...this.#snapshot, stale };
    return this.#snapshot;
  }

  /** Why nothing is known, while nothing is. */
  get failure(): WeftError | undefined {
    return this.#snapshot === undefined ? this.#failure : undefined;
  }

  close(): void {
    this.#closer.abort();
    clearTimeout(this.#doubt);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closer;
    const { registry, service, log } = this.#options;
    while (!signal.aborted) {
      const { replica } = registry;
      try {
        await this.#stream(replica);
        log.debug({ service, registry: replica.address }, 'watch ended by the registry');
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error, replica);
      }
      registry.failover(replica);
      await pause(this.#backoff.nextMs(), signal);
    }
  }

  async #stream(replica: Replica): Promise<void> {
    const { service } = this.#options;
    const silence = new AbortController();
    const giveUp = () => silence.abort();
    let watchdog = setTimeout(giveUp, FIRST_WORD_MS).unref();
    const request = {
      services: [service],
      ...(this.#view.revision === undefined ? {} : { fromRevision: this.#view.revision }),
    };
    const signal = AbortSignal.any([this.#closer.signal, silence.signal]);
    const parts = new SnapshotParts();
    // What the first stream brings is news; only what comes after a reconnect may be doubted.
    const isReconnect = this.#snapshot !== undefined;
    this.#doubtEmptyUntil = isReconnect ? performance.now() + EMPTY_DOUBT_MS : 0;
    try {
      for await (const response of replica.client.watch(request, { signal })) {
        clearTimeout(watchdog);
        watchdog = setTimeout(giveUp, SILENCE_MS).unref();
        this.#backoff.reset();
        this.#confirmedAt = performance.now();
        const whole = parts.join(response);
        if (whole !== undefined && this.#view.apply(whole)) this.#publish();
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  #failed(error: unknown, { address }: Replica): void {
    const { service, registry, listener, log } = this.#options;
    const message = error instanceof Error ? error.message : String(error);
    log.debug({ service, registry: address, error: message }, 'watch failed; trying again');
    if (error instanceof ClientError && error.code === Status.OUT_OF_RANGE) {
      // Another store, or one that was wiped: what we know has no place in its history.
      this.#view.forgetRevision();
      return;
    }
    this.#replicasAsked += 1;
    // With a replica left to ask, whoever waits may well get an answer.
    if (this.#snapshot !== undefined || this.#replicasAsked < registry.addresses.length) return;
    this.#failure = new WeftError(
      'REGISTRY_UNAVAILABLE',
      `cannot discover ${service}: the registry at ${registry.addresses.join(', ')} ` +
        `does not answer (${message}); check that it runs and that the address is right`,
      { cause: error },
    );
    listener.discoveryFailed(this.#failure);
  }

  #publish(): void {
    clearTimeout(this.#doubt);
    const doubtMs = this.#doubtEmptyUntil - performance.now();
    const hadInstances = (this.#snapshot?.instances.length ?? 0) > 0;
    if (this.#view.size === 0 && hadInstances && doubtMs > 0) {
      this.#doubt = setTimeout(() => this.#publish(), doubtMs);
      this.#doubt.unref();
      return;
    }
    this.#snapshot = {
      service: this.#options.service,
      instances: this.#view.instances,
      revision: this.#view.revision ?? 0n,
      stale: this.#isStale(),
    };
    this.#options.listener.snapshotChanged(this.#snapshot);
  }

  #isStale(): boolean {
    const ageMs = performance.now() - this.#confirmedAt;
    return this.#view.isStoreAway || ageMs > this.#options.ttlMs;
  }
}
