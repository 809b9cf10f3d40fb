import { setTimeout as pause } from 'node:timers/promises';
import type { Instance, RegistryServiceClient, WatchResponse } from '@weft/proto/registry';

import { Backoff } from '../../client-sdk/src/backoff.ts';

type WatchRequest = Parameters<RegistryServiceClient['watch']>[0];

/** What a watch brought, without a gap: the set as it was first, and every change since. */
export interface WatchStretch {
  /** Revision that the set stood at. */
  readonly from: bigint;
  /** `PUT user-service/a@7`, as they came. */
  readonly changes: string[];
}

export interface WatchRecorderOptions {
  /** Watches on from the last revision seen whenever the stream breaks. Default false. */
  resumes?: boolean;
  /** How long it waits to, the first time, in ms. Default 40. */
  backoffMs?: number;
}

/** Reads a watch in the background: what it brought, and the set that a client would hold by it. */
export class WatchRecorder {
  readonly messages: WatchResponse[] = [];
  readonly held = new Map<string, Instance>();
  /** Every revision seen in events, in order. */
  readonly revisions: bigint[] = [];
  /** Everything it brought; a snapshot begins a new stretch. */
  readonly stretches: WatchStretch[] = [];
  /** Whether the last message was marked stale. */
  isStale = false;
  /** Sizes of the set after each message. */
  readonly sizes: number[] = [];
  /** Streams that broke and were opened anew. */
  resumed = 0;
  /** Resolves with the error that ended it. */
  readonly ended: Promise<Error | undefined>;
  readonly #client: RegistryServiceClient<{ signal: AbortSignal }>;
  readonly #request: WatchRequest;
  readonly #backoff: Backoff;
  readonly #stopper = new AbortController();
  #revision: WatchRequest['fromRevision'];
  #history = '';

  constructor(
    client: Pick<RegistryServiceClient, 'watch'>,
    request: WatchRequest = {},
    { resumes = false, backoffMs = 40 }: WatchRecorderOptions = {},
  ) {
    this.#client = client as RegistryServiceClient<{ signal: AbortSignal }>;
    this.#request = request;
    this.#backoff = new Backoff({ initialMs: backoffMs });
    this.#revision = request.fromRevision;
    const reading = resumes ? this.#readOn() : this.#read();
    this.ended = reading.then(
      () => undefined,
      (error: Error) => error,
    );
  }

  /** The services it follows; none stands for all. */
  get services(): readonly string[] {
    return this.#request.services ?? [];
  }

  /** Ids held, sorted. */
  get ids(): string[] {
    return [...this.held.values()].map(({ id }) => id).sort();
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.ended;
  }

  async #readOn(): Promise<void> {
    const { signal } = this.#stopper;
    while (!signal.aborted) {
      await this.#read().catch(() => {});
      if (signal.aborted) return;
      this.resumed += 1;
      await pause(this.#backoff.nextMs());
    }
  }

  async #read(): Promise<void> {
    const from =
      this.#revision === undefined ? {} : { fromRevision: this.#revision, history: this.#history };
    const stream = this.#client.watch(
      { ...this.#request, ...from },
      { signal: this.#stopper.signal },
    );
    let isInside = false;
    for await (const message of stream) {
      const { snapshot, events, progress, stale } = message;
      this.messages.push(message);
      this.#backoff.reset();
      this.isStale = stale;
      if (snapshot && !isInside) {
        this.#history = snapshot.history;
        this.held.clear();
        this.stretches.push({ from: snapshot.revision, changes: [] });
      }
      isInside = snapshot?.more === true;
      for (const instance of snapshot?.instances ?? []) this.#put(instance);
      for (const { type, instance, revision } of events?.events ?? []) {
        this.revisions.push(revision);
        if (instance === undefined) continue;
        const key = `${instance.service}/${instance.id}`;
        this.stretches.at(-1)?.changes.push(`${type === 1 ? 'PUT' : 'DELETE'} ${key}@${revision}`);
        if (type === 1) this.#put(instance);
        else this.held.delete(key);
      }
      // A snapshot in parts counts once whole.
      if (!isInside) {
        this.#revision =
          snapshot?.revision ?? events?.revision ?? progress?.revision ?? this.#revision;
      }
      this.sizes.push(this.held.size);
    }
  }

  #put(instance: Instance): void {
    this.held.set(`${instance.service}/${instance.id}`, instance);
  }
}
