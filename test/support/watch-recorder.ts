import type { Instance, RegistryServiceClient, WatchResponse } from '@weft/proto/registry';

type WatchRequest = Parameters<RegistryServiceClient['watch']>[0];

/** Reads a watch in the background: what it brought, and the set that a client would hold by it. */
export class WatchRecorder {
  readonly messages: WatchResponse[] = [];
  readonly held = new Map<string, Instance>();
  /** Every revision seen in events, in order. */
  readonly revisions: bigint[] = [];
  /** Whether the last message was marked stale. */
  isStale = false;
  /** Sizes of the set after each message. */
  readonly sizes: number[] = [];
  /** Resolves with the error that ended it. */
  readonly ended: Promise<Error | undefined>;
  readonly #stopper = new AbortController();

  constructor(client: Pick<RegistryServiceClient, 'watch'>, request: WatchRequest = {}) {
    const stream = (client as RegistryServiceClient<{ signal: AbortSignal }>).watch(request, {
      signal: this.#stopper.signal,
    });
    this.ended = this.#read(stream).then(
      () => undefined,
      (error: Error) => error,
    );
  }

  /** Ids held, sorted. */
  get ids(): string[] {
    return [...this.held.values()].map(({ id }) => id).sort();
  }

  async stop(): Promise<void> {
    this.#stopper.abort();
    await this.ended;
  }

  async #read(stream: AsyncIterable<WatchResponse>): Promise<void> {
    let isInside = false;
    for await (const message of stream) {
      this.messages.push(message);
      this.isStale = message.stale;
      if (message.snapshot && !isInside) this.held.clear();
      isInside = message.snapshot?.more === true;
      for (const instance of message.snapshot?.instances ?? []) this.#put(instance);
      for (const { type, instance, revision } of message.events?.events ?? []) {
        this.revisions.push(revision);
        if (instance === undefined) continue;
        if (type === 1) this.#put(instance);
        else this.held.delete(`${instance.service}/${instance.id}`);
      }
      this.sizes.push(this.held.size);
    }
  }

  #put(instance: Instance): void {
    this.held.set(`${instance.service}/${instance.id}`, instance);
  }
}
