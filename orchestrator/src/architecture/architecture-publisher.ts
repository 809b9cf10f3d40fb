import { clientTransport, type Log, messageOf } from '@weft/proto';
import { ArchitectureServiceDefinition } from '@weft/proto/architecture';
import { createChannel, createClient } from 'nice-grpc';
import type { MeshFolder } from '../mesh-folder.ts';
import type { Topology } from '../topology/topology.ts';
import { publicationOf } from './publication.ts';
import { askOffers, type OffersReader, readLive } from './read-live.ts';
import { verifyArchitecture } from './verify-architecture.ts';

export interface ArchitecturePublisherOptions {
  readonly topology: Topology;
  readonly folder: MeshFolder;
  /** `host:port` of the registry. */
  readonly registry: string;
  readonly log: Log;
}

/** A change is told so soon, in ms, with those that follow at once. */
const CHANGED_MS = 300;
/** What nobody tells of, such as traffic, is looked at so often, in ms. */
const LOOK_MS = 10_000;
const TIMEOUT_MS = 5000;

/** Asks each instance once, for as long as it keeps its lease. */
function rememberingOffers(): { readonly ask: OffersReader; readonly nextRound: () => void } {
  let known = new Map<string, readonly string[]>();
  let asked = new Map<string, readonly string[]>();
  return {
    async ask(instance) {
      const key = `${instance.service}/${instance.id}/${instance.leaseId}`;
      const offers = known.get(key) ?? (await askOffers(instance));
      if (offers !== undefined) asked.set(key, offers);
      return offers;
    },
    nextRound() {
      known = asked;
      asked = new Map();
    },
  };
}

/**
 * Derives the architecture of a mesh that is up when it changes, and shows it on the page of the registry.
 * Nothing waits for it; what cannot be told now is told with the next look. Always close it.
 */
export class ArchitecturePublisher {
  readonly #options: ArchitecturePublisherOptions;
  readonly #offers = rememberingOffers();
  #timer: NodeJS.Timeout | undefined;
  #publishing: Promise<void> | undefined;
  #isChanged = false;
  #isFailing = false;
  #isClosed = false;

  constructor(options: ArchitecturePublisherOptions) {
    this.#options = options;
    this.#publishing = this.#publish();
  }

  /** Something of the mesh has changed. */
  changed(): void {
    if (this.#isChanged) return;
    this.#isChanged = true;
    if (this.#publishing === undefined) this.#schedule(CHANGED_MS);
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#publishing;
  }

  #schedule(inMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#publishing = this.#publish();
    }, inMs).unref();
  }

  async #publish(): Promise<void> {
    this.#isChanged = false;
    try {
      await this.#tell();
      this.#isFailing = false;
    } catch (error) {
      const { log } = this.#options;
      // Said once; the registry may be away for long.
      if (!this.#isFailing) log.warn({ reason: messageOf(error) }, 'architecture not published');
      this.#isFailing = true;
    }
    this.#publishing = undefined;
    this.#schedule(this.#isChanged ? CHANGED_MS : LOOK_MS);
  }

  async #tell(): Promise<void> {
    const { topology, folder, registry } = this.#options;
    const live = await readLive(registry, this.#offers.ask);
    this.#offers.nextRound();
    if (this.#isClosed) return;
    const publication = publicationOf(verifyArchitecture(topology, folder, live), topology.file);
    const channel = createChannel(registry, undefined, clientTransport);
    try {
      const client = createClient(ArchitectureServiceDefinition, channel);
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      await client.publishArchitecture(publication, { signal });
    } finally {
      channel.close();
    }
  }
}
