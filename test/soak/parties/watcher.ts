import { pause } from '@weft/proto';
import { EventType, type WatchResponse } from '@weft/proto/registry';
import { ClientError, Status } from 'nice-grpc';
import type { Replica } from '../cluster/replica.ts';
import type { SeenEvent, SeenInstance, WatchHistory } from '../history.ts';
import type { Recorder } from '../recorder.ts';
import { Links } from './links.ts';

/** A stream without a word for so long is given up; the registry marks a quiet one each 10 s. */
const SILENCE_MS = 13_000;
/** Well within the time that an instance may be seen after its end. */
const SLOW_READ_MS = 400;

export interface WatcherOptions {
  readonly name: string;
  readonly replicas: readonly Replica[];
  readonly recorder: Recorder;
  readonly random: () => number;
  readonly services: readonly string[] | undefined;
  /** How long a stream lasts at most before the watcher ends it by itself, in ms. */
  readonly streamMs: number;
  /** Share of its streams, 0 to 1, that begin with a snapshot instead of going on. */
  readonly freshShare: number;
}

/** Follows the registry for ever: goes on after its last revision, at any replica, after each break. */
export class Watcher {
  /** The set that a client would hold: content by key. */
  readonly held = new Map<string, string>();
  readonly history: WatchHistory;
  readonly #options: WatcherOptions;
  readonly #links: Links;
  readonly #closer = new AbortController();
  readonly #running: Promise<void>;
  #last: number | undefined;
  /** The history of the store that `#last` is of. */
  #store = '';
  #parts: SeenInstance[] | undefined;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#links = new Links(options.replicas);
    this.history = { name: options.name, services: options.services, entries: [] };
    options.recorder.watches.push(this.history);
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closer.abort();
    await this.#running;
    this.#links.close();
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    const { signal } = this.#closer;
    while (!signal.aborted) {
      await this.#stream(this.#links.choose(random()));
      await pause(200 * random(), signal);
    }
  }

  async #stream(replica: number): Promise<void> {
    const { services, recorder, random, streamMs, freshShare } = this.#options;
    if (random() < freshShare) this.#last = undefined;
    this.#parts = undefined;
    const { entries } = this.history;
    entries.push({ kind: 'open', atMs: recorder.nowMs, replica, from: this.#last });
    const stop = new AbortController();
    const life = setTimeout(() => stop.abort(), streamMs * (0.2 + 0.8 * random())).unref();
    let silence = setTimeout(() => stop.abort(), SILENCE_MS).unref();
    const request = {
      services: [...(services ?? [])],
      client: this.history.name,
      ...(this.#last === undefined
        ? {}
        : { fromRevision: BigInt(this.#last), history: this.#store }),
    };
    const signal = AbortSignal.any([this.#closer.signal, stop.signal]);
    let reason = 'ended by the registry';
    try {
      for await (const message of this.#links.to(replica).watch(request, { signal })) {
        clearTimeout(silence);
        silence = setTimeout(() => stop.abort(), SILENCE_MS).unref();
        this.#take(message);
        // Now and then it reads slowly, and what comes piles up on the way.
        if (random() < 0.02) await pause(SLOW_READ_MS * random(), signal);
      }
    } catch (error) {
      reason = error instanceof ClientError ? `${Status[error.code]}: ${error.details}` : 'aborted';
      // What it knows is of a history that this registry does not have.
      if (error instanceof ClientError && error.code === Status.OUT_OF_RANGE) {
        this.#malformed(`going on from ${this.#last} was refused: ${error.details}`);
        this.#last = undefined;
      }
    } finally {
      clearTimeout(life);
      clearTimeout(silence);
    }
    entries.push({ kind: 'end', atMs: recorder.nowMs, reason });
  }

  #take({ snapshot, events, progress }: WatchResponse): void {
    const { recorder } = this.#options;
    const { contents, nowMs: atMs } = recorder;
    const { entries } = this.history;
    if (this.#parts !== undefined && snapshot === undefined) {
      this.#malformed('something came between two parts of a snapshot');
    }
    if (snapshot !== undefined) {
      this.#store = snapshot.history;
      this.#parts ??= [];
      for (const instance of snapshot.instances) this.#parts.push(contents.seen(instance));
      if (snapshot.more) return;
      const instances = this.#parts;
      this.#parts = undefined;
      this.#last = Number(snapshot.revision);
      entries.push({ kind: 'snapshot', atMs, revision: this.#last, instances });
      this.held.clear();
      for (const { key, content } of instances) this.held.set(key, content);
    } else if (events !== undefined) {
      const seen = events.events.flatMap(({ type, instance, revision }): SeenEvent[] => {
        const name = type === EventType.EVENT_TYPE_PUT ? 'put' : 'delete';
        if (instance === undefined) this.#malformed(`event ${revision} has no instance`);
        else return [{ ...contents.seen(instance), type: name, revision: Number(revision) }];
        return [];
      });
      this.#last = Number(events.revision);
      entries.push({ kind: 'events', atMs, revision: this.#last, events: seen });
      for (const { type, key, content } of seen) {
        if (type === 'put') this.held.set(key, content);
        else this.held.delete(key);
      }
    } else if (progress !== undefined) {
      this.#last = Number(progress.revision);
      entries.push({ kind: 'progress', atMs, revision: this.#last });
    } else {
      this.#malformed('a message said nothing');
    }
  }

  #malformed(message: string): void {
    const atMs = this.#options.recorder.nowMs;
    this.history.entries.push({ kind: 'malformed', atMs, message });
  }
}
