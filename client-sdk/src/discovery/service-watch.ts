import { type Log, messageOf, pause, SnapshotParts } from '@weft/proto';
import type { WatchResponse } from '@weft/proto/registry';
import { Status } from 'nice-grpc';
import { ClientError } from 'nice-grpc-common';
import { Backoff } from '../backoff.ts';
import { WeftError } from '../errors.ts';
import { Acknowledger } from './acknowledger.ts';
import type { DiscoveryObserver } from './discovery-observer.ts';
import type { InstanceChanges, Kept } from './instance-changes.ts';
import type { RegistryConnection, Replica } from './registry-connection.ts';
import type { ServiceSnapshot } from './service-snapshot.ts';
import { ServiceView } from './service-view.ts';
import { StaticStability } from './static-stability.ts';

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
  observer: DiscoveryObserver;
  /** Age without news after which a snapshot is stale, in ms. */
  ttlMs: number;
  /** Who watches, as told to the registry for people. Default: nothing is told. */
  client?: (() => string) | undefined;
  /** Share of the instances whose loss, when the registry was in trouble, is still believed; 0 to 1. */
  protectedShare: number;
  log: Log;
  /** Spreads out those who lost the same registry. */
  random: () => number;
}

/** A stream that says nothing at first for this long is given up; the registry answers at once. */
const FIRST_WORD_MS = 3000;

/** A stream without even a progress mark for this long is given up; the registry marks each 10 s. */
const SILENCE_MS = 30_000;

/** A stream that lived and spoke for so long was a success, whatever ended it. */
const STEADY_MS = 2000;

/**
 * Follows one service in the registry for as long as it is open, through every failure of it: resumes
 * after the last revision, on another replica if need be. What was known is kept until replaced.
 */
export class ServiceWatch {
  readonly #options: ServiceWatchOptions;
  /** What the registry says. */
  readonly #view = new ServiceView();
  /** What of it is believed, and so published. */
  readonly #stability: StaticStability;
  readonly #closer = new AbortController();
  readonly #acknowledger = new Acknowledger(this.#closer.signal);
  readonly #backoff: Backoff;
  /** What was published, as a list; undefined when it has changed since anyone asked. */
  #snapshot: ServiceSnapshot | undefined;
  #kept: Kept | undefined;
  #giveUpTimer: NodeJS.Timeout | undefined;
  #isKnown = false;
  #failure: WeftError | undefined;
  #confirmedAt = 0;
  #mustAcknowledge = false;
  /** The replica whose stream is open and has brought something. */
  #openAt: Replica | undefined;
  /** Failures before the first answer. */
  #replicasAsked = 0;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    this.#stability = new StaticStability(options.protectedShare);
    this.#backoff = new Backoff({ random: options.random });
    void this.#run();
  }

  /** What is known; `stale` is as of now. Undefined before the first answer of the registry. */
  get snapshot(): ServiceSnapshot | undefined {
    if (!this.#isKnown) return undefined;
    const stale = this.#isStale();
    if (this.#snapshot?.stale !== stale) {
      this.#snapshot = {
        service: this.#options.service,
        instances: this.#snapshot?.instances ?? this.#stability.instances,
        revision: this.#snapshot?.revision ?? this.#view.revision ?? 0n,
        stale,
        kept: this.#kept?.count ?? 0,
      };
    }
    return this.#snapshot;
  }

  /** All that is known, as a new follower is told it; undefined while nothing is. */
  get whole(): InstanceChanges | undefined {
    const { snapshot } = this;
    if (snapshot === undefined) return undefined;
    const { instances, revision } = snapshot;
    return { isComplete: true, put: instances, removed: [], revision, kept: this.#kept };
  }

  /** Why nothing is known, while nothing is. */
  get failure(): WeftError | undefined {
    return this.#isKnown ? undefined : this.#failure;
  }

  /** Ends the watch. Resolves when the registry has been told, or cannot be. */
  async close(): Promise<void> {
    const replica = this.#openAt;
    this.#closer.abort();
    clearTimeout(this.#giveUpTimer);
    if (replica !== undefined) await this.#acknowledger.closed(replica);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closer;
    const { registry, service, log } = this.#options;
    while (!signal.aborted) {
      const { replica } = registry;
      const begunAt = performance.now();
      try {
        await this.#stream(replica);
        log.debug({ service, registry: replica.address }, 'watch ended by the registry');
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error, replica);
      }
      const wasSteady = performance.now() - begunAt > STEADY_MS && this.#confirmedAt >= begunAt;
      if (wasSteady) this.#backoff.reset();
      const isElsewhere = registry.failover(replica);
      await pause(this.#backoff.nextMs(isElsewhere), signal);
    }
  }

  async #stream(replica: Replica): Promise<void> {
    const { service, client } = this.#options;
    const silence = new AbortController();
    const giveUp = () => silence.abort();
    const firstWord = setTimeout(giveUp, FIRST_WORD_MS).unref();
    const watchdog = setTimeout(giveUp, SILENCE_MS).unref();
    const request = {
      services: [service],
      client: client?.() ?? '',
      watchId: this.#acknowledger.watchId,
      ...this.#view.resumption,
    };
    const signal = AbortSignal.any([this.#closer.signal, silence.signal]);
    const parts = new SnapshotParts();
    try {
      for await (const response of replica.client.watch(request, { signal })) {
        clearTimeout(firstWord);
        watchdog.refresh();
        this.#confirmedAt = performance.now();
        this.#openAt = replica;
        const whole = parts.join(response);
        if (whole === undefined) continue;
        this.#told(whole);
        this.#mustAcknowledge ||= response.acknowledge;
        this.#acknowledge(replica);
      }
    } finally {
      this.#openAt = undefined;
      clearTimeout(firstWord);
      clearTimeout(watchdog);
      this.#stability.broke();
      this.#watchDoubt();
    }
  }

  /** Tells the registry that calls are routed by what it told, if it asked and they are. */
  #acknowledge(replica: Replica): void {
    const { revision } = this.#view;
    // What is kept still gets calls, whatever the registry says.
    if (!this.#mustAcknowledge || this.#kept !== undefined || revision === undefined) return;
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

  #told(response: WatchResponse): void {
    const isReplaced = this.#isKnown && this.#view.isReplacedBy(response);
    const changes = this.#stability.told(
      this.#view.apply(response),
      { isStale: response.stale, isReplaced },
      performance.now(),
    );
    if (changes !== undefined) this.#publish(changes);
    this.#watchDoubt();
  }

  /** Sees to it that what is kept is given up in time. */
  #watchDoubt(): void {
    clearTimeout(this.#giveUpTimer);
    const { givenUpAt } = this.#stability;
    if (givenUpAt === undefined) return;
    const giveUp = () => this.#publish(this.#stability.giveUp(this.#view.revision ?? 0n));
    this.#giveUpTimer = setTimeout(giveUp, givenUpAt - performance.now()).unref();
  }

  /** The one place from which what is known goes out: routes follow it before this returns. */
  #publish(changes: InstanceChanges): void {
    const { kept } = this.#stability;
    const wasKept = this.#kept !== undefined;
    this.#snapshot = undefined;
    this.#kept = kept;
    this.#isKnown = true;
    this.#options.listener.instancesChanged({ ...changes, kept });
    if (wasKept !== (kept !== undefined)) this.#tellKept(changes.revision);
  }

  #tellKept(revision: bigint): void {
    const { service, observer, log } = this.#options;
    const listed = this.#stability.instances.length - (this.#kept?.count ?? 0);
    if (this.#kept === undefined) {
      log.info({ service, listed, revision: `${revision}` }, 'going by the registry again');
      observer.snapshotReleased({ service, listed, revision });
      return;
    }
    const { count: kept, reason } = this.#kept;
    const fields = { service, kept, listed, reason, revision: `${revision}` };
    log.warn(fields, 'the registry lost most instances when in trouble itself; they are kept');
    observer.snapshotKept({ service, kept, listed, reason, revision });
  }

  #isStale(): boolean {
    const ageMs = performance.now() - this.#confirmedAt;
    return this.#view.isStoreAway || this.#kept !== undefined || ageMs > this.#options.ttlMs;
  }
}
