import { setTimeout as sleep } from 'node:timers/promises';
import { clientTransport, type Log, messageOf, SnapshotParts, silentLog } from '@weft/proto';
import {
  EventType,
  type Instance,
  type RegistryServiceClient,
  RegistryServiceDefinition,
  type WatchResponse,
} from '@weft/proto/registry';
import { type Channel, createChannel, createClient } from 'nice-grpc';
import { backoffMs } from './slot/backoff.ts';

/** How long one Deregister may take. */
const DEREGISTER_TIMEOUT_MS = 2000;

/** All instances of the mesh as the registry tells them, kept current by one watch. */
export class RegistryView {
  readonly #channel: Channel;
  readonly #client: RegistryServiceClient;
  readonly #closer = new AbortController();
  readonly #log: Log;
  readonly #onChange: () => void;
  #instances = new Map<string, Instance>();
  #isCurrent = false;
  #following: Promise<void> | undefined;

  /** @param onChange called after each word of the registry */
  constructor(address: string, log: Log = silentLog, onChange = () => {}) {
    this.#channel = createChannel(address, undefined, clientTransport);
    this.#client = createClient(RegistryServiceDefinition, this.#channel);
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Whether the registry answers and has its store: what is not listed is then not registered. */
  get isCurrent(): boolean {
    return this.#isCurrent;
  }

  /** Begins to follow; the registry need not be there yet. */
  start(): void {
    this.#following ??= this.#follow();
  }

  /** The instance with that id, whatever its service. */
  instance(id: string): Instance | undefined {
    return this.#instances.get(id);
  }

  /** Removes an instance whose process has ended. Answers whether the registry did so. */
  async deregister(service: string, id: string): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(DEREGISTER_TIMEOUT_MS);
      await this.#client.deregister({ service, id }, { signal });
      return true;
    } catch (error) {
      this.#log.warn({ err: error, service, id }, 'could not deregister a dead instance');
      return false;
    }
  }

  async close(): Promise<void> {
    this.#closer.abort();
    await this.#following;
    this.#channel.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closer;
    let failures = 0;
    while (!signal.aborted) {
      const parts = new SnapshotParts();
      try {
        for await (const message of this.#client.watch({}, { signal })) {
          failures = 0;
          const whole = parts.join(message);
          if (whole !== undefined) this.#take(whole);
        }
      } catch (error) {
        if (!signal.aborted) this.#log.debug({ reason: messageOf(error) }, 'the watch ended');
      }
      this.#isCurrent = false;
      failures += 1;
      const waitMs = backoffMs(failures, Math.random(), { firstMs: 50, maxMs: 1000 });
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  #take({ snapshot, events, stale }: WatchResponse): void {
    if (snapshot) {
      this.#instances = new Map(snapshot.instances.map((instance) => [instance.id, instance]));
    }
    this.#isCurrent = !stale;
    for (const { type, instance } of events?.events ?? []) {
      if (instance === undefined) continue;
      if (type === EventType.EVENT_TYPE_DELETE) this.#instances.delete(instance.id);
      else this.#instances.set(instance.id, instance);
    }
    if (snapshot || events) this.#onChange();
  }
}
