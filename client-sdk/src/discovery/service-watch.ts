import { type Log, messageOf, pause } from '@weft/proto';
import { Status } from 'nice-grpc';
import { ClientError } from 'nice-grpc-common';
import { Backoff } from '../backoff.ts';
import { WeftError } from '../errors.ts';
import { Acknowledger } from './acknowledger.ts';
import type { InstanceChanges } from './instance-changes.ts';
import type { RegistryConnection, Replica } from './registry-connection.ts';
import type { ServiceSnapshot } from './service-snapshot.ts';
import { ServiceView } from './service-view.ts';
import { SnapshotParts } from './snapshot-parts.ts';

/** Who is told what a watch brings. */
export interface DiscoveryListener {
  /** The instances have changed; a new follower is first told all of them, once they are known. */
  instancesChanged(changes: InstanceChanges): void;
  /** Nothing is known of the service yet and the registry cannot be asked. The watch tries on. */
  discoveryFailed(error: WeftError): void;
}

export interface ServiceWatchOptions {
  service: string;
  registry: RegistryConnection;
  listener: DiscoveryListener;
  /** Age without news after which a snapshot is stale, in ms. */
  ttlMs: number;
  /** Who watches, as told to the registry for people. Default: nothing is told. */
  client?: (() => string) | undefined;
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
  readonly #acknowledger = new Acknowledger(this.#closer.signal);
  /** What was published, as a list; undefined when it has changed since anyone asked. */
  #snapshot: ServiceSnapshot | undefined;
  #isKnown = false;
  #failure: WeftError | undefined;
  #confirmedAt = 0;
  #mustAcknowledge = false;
  /** Failures before the first answer. */
  #replicasAsked = 0;
  #doubtEmptyUntil = 0;
  /** An empty set that is not believed yet: it is as if these were not gone. */
  #doubted: { readonly changes: InstanceChanges; readonly timer: NodeJS.Timeout } | undefined;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    void this.#run();
  }

  /** What is known; `stale` is as of now. Undefined before the first answer of the registry. */
  get snapshot(): ServiceSnapshot | undefined {
    if (!this.#isKnown) return undefined;
    const stale = this.#isStale();
    if (this.#snapshot?.stale !== stale) {
      this.#snapshot = {
        service: this.#options.service,
        instances:
          this.#snapshot?.instances ?? this.#doubted?.changes.removed ?? this.#view.instances,
        revision: this.#snapshot?.revision ?? this.#view.revision ?? 0n,
        stale,
      };
    }
    return this.#snapshot;
  }

  /** All that is known, as a new follower is told it; undefined while nothing is. */
  get whole(): InstanceChanges | undefined {
    const { snapshot } = this;
    if (snapshot === undefined) return undefined;
    const { instances, revision } = snapshot;
    return { isComplete: true, put: instances, removed: [], revision };
  }

  /** Why nothing is known, while nothing is. */
  get failure(): WeftError | undefined {
    return this.#isKnown ? undefined : this.#failure;
  }

  close(): void {
    this.#closer.abort();
    clearTimeout(this.#doubted?.timer);
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
    const { service, client } = this.#options;
    const silence = new AbortController();
    const giveUp = () => silence.abort();
    let watchdog = setTimeout(giveUp, FIRST_WORD_MS).unref();
    const request = {
      services: [service],
      client: client?.() ?? '',
      watchId: this.#acknowledger.watchId,
      ...(this.#view.revision === undefined ? {} : { fromRevision: this.#view.revision }),
    };
    const signal = AbortSignal.any([this.#closer.signal, silence.signal]);
    const parts = new SnapshotParts();
    let isFirst = true;
    // What the first stream brings is news; only what comes after a reconnect may be doubted.
    const isReconnect = this.#isKnown;
    this.#doubtEmptyUntil = isReconnect ? performance.now() + EMPTY_DOUBT_MS : 0;
    try {
      for await (const response of replica.client.watch(request, { signal })) {
        clearTimeout(watchdog);
        watchdog = setTimeout(giveUp, SILENCE_MS).unref();
        this.#backoff.reset();
        this.#confirmedAt = performance.now();
        const whole = parts.join(response);
        if (whole === undefined) continue;
        const sizeBefore = this.#view.size;
        const changes = this.#view.apply(whole);
        if (changes !== undefined) this.#changed(changes, sizeBefore);
        // While the set is doubted, calls go on by what was before.
        this.#mustAcknowledge ||= response.acknowledge;
        this.#acknowledge(replica);
        if (isFirst && this.#doubted !== undefined) this.#doubt(this.#doubted.changes);
        isFirst = false;
      }
    } finally {
      clearTimeout(watchdog);
      // Only a registry that goes on saying so can confirm that nobody is there.
      clearTimeout(this.#doubted?.timer);
    }
  }

  /** Tells the registry that calls are routed by what it told, if it asked and they are. */
  #acknowledge(replica: Replica): void {
    const { revision } = this.#view;
    if (!this.#mustAcknowledge || this.#doubted !== undefined || revision === undefined) return;
    this.#mustAcknowledge = false;
    this.#acknowledger.routed(replica, revision);
  }

  #failed(error: unknown, { address }: Replica): void {
    const { service, registry, listener, log } = this.#options;
    const message = messageOf(error);
    log.debug({ service, registry: address, error: message }, 'watch failed; trying again');
    if (error instanceof ClientError && error.code === Status.OUT_OF_RANGE) {
      // Another store, or one that was wiped: what we know has no place in its history.
      this.#view.forgetRevision();
      return;
    }
    this.#replicasAsked += 1;
    // With a replica left to ask, whoever waits may well get an answer.
    if (this.#isKnown || this.#replicasAsked < registry.addresses.length) return;
    this.#failure = new WeftError(
      'REGISTRY_UNAVAILABLE',
      `cannot discover ${service}: the registry at ${registry.addresses.join(', ')} ` +
        `does not answer (${message}); check that it runs and that the address is right`,
      { cause: error },
    );
    listener.discoveryFailed(this.#failure);
  }

  #changed(changes: InstanceChanges, sizeBefore: number): void {
    const doubted = this.#doubted;
    if (doubted !== undefined) {
      // The same again, as from one more registry that has just restarted, confirms nothing.
      if (this.#view.size === 0) return;
      // An instance ends the doubt; who is back by now was never gone.
      clearTimeout(doubted.timer);
      this.#doubted = undefined;
      const back = new Set(changes.put.map(({ id }) => id));
      const removed = doubted.changes.removed.filter(({ id }) => !back.has(id));
      this.#publish({ ...changes, removed: [...removed, ...changes.removed] });
      return;
    }
    const doubtMs = this.#doubtEmptyUntil - performance.now();
    if (this.#view.size > 0 || sizeBefore === 0 || doubtMs <= 0) {
      this.#publish(changes);
      return;
    }
    this.#doubt(changes);
  }

  /** Believes that all are gone only when the registry does not say otherwise for a while. */
  #doubt(changes: InstanceChanges): void {
    clearTimeout(this.#doubted?.timer);
    const timer = setTimeout(() => {
      this.#doubted = undefined;
      this.#publish(changes);
    }, EMPTY_DOUBT_MS);
    timer.unref();
    this.#doubted = { changes, timer };
  }

  #publish(changes: InstanceChanges): void {
    this.#snapshot = undefined;
    this.#isKnown = true;
    this.#options.listener.instancesChanged(changes);
  }

  #isStale(): boolean {
    const ageMs = performance.now() - this.#confirmedAt;
    return this.#view.isStoreAway || ageMs > this.#options.ttlMs;
  }
}
