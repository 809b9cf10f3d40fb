import { isPlainTcp, pause } from '@weft/proto';
import type { StoredInstance } from '../store/stored-instance.ts';
import type { Finding } from './check-state.ts';
import {
  isNotOffered,
  isServing,
  knockAt,
  type Look,
  lookAt,
  openPeer,
  type Peer,
} from './peer.ts';
import type { Turns } from './turns.ts';

export interface CheckTimes {
  /** How often an instance is looked at where it does not tell by itself, in ms. */
  intervalMs: number;
  /** How long it has to connect and to answer, in ms. */
  timeoutMs: number;
}

export interface InstanceCheckOptions extends CheckTimes {
  instance: StoredInstance;
  /** Bounds the connections being made at once. */
  turns: Turns;
  /** Told of each look, at least once in an interval. */
  onFinding: (finding: Finding) => void;
}

/**
 * Looks at one instance until closed, over one connection: it tells by grpc.health.v1 Watch, or is
 * asked by Check where it offers none. A connection that does not answer a ping in time has failed.
 * What need not speak gRPC only has to take connections.
 */
export class InstanceCheck {
  readonly #options: InstanceCheckOptions;
  readonly #closer = new AbortController();

  constructor(options: InstanceCheckOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#closer.abort();
  }

  async #run(): Promise<void> {
    const { instance, intervalMs } = this.#options;
    const { signal } = this.#closer;
    while (!signal.aborted) {
      if (isPlainTcp(instance.type)) await this.#poll(() => this.#connects());
      else await this.#follow().catch(() => this.#tell('silent'));
      await pause((intervalMs / 2) * (0.5 + Math.random() / 2), signal);
    }
  }

  /** Follows what it tells until it fails. */
  async #follow(): Promise<void> {
    const { instance, turns, intervalMs, timeoutMs } = this.#options;
    const service = instance.healthCheck?.service ?? '';
    const { signal } = this.#closer;
    if (!(await turns.take(signal))) return;
    using peer = openPeer(instance.address, { keepAliveMs: intervalMs, timeoutMs });
    const late = new AbortController();
    const watchdog = setTimeout(() => late.abort(), timeoutMs);
    const giveBack = once(() => {
      clearTimeout(watchdog);
      turns.give();
    });
    let told: Finding | undefined;
    const repeat = setInterval(() => told && this.#tell(told), intervalMs).unref();
    try {
      const ended = AbortSignal.any([signal, late.signal]);
      for await (const { status } of peer.health.watch({ service }, { signal: ended })) {
        giveBack();
        told = isServing(status, service) ? 'serving' : 'refusing';
        this.#tell(told);
      }
      this.#tell('silent');
    } catch (error) {
      if (!isNotOffered(error)) throw error;
      giveBack();
      await this.#poll(() => this.#asks(peer));
    } finally {
      clearInterval(repeat);
      giveBack();
    }
  }

  /** Looks again and again, until it is silent. */
  async #poll(look: () => Promise<Look>): Promise<void> {
    const { signal } = this.#closer;
    while (!signal.aborted) {
      const { finding } = await look();
      this.#tell(finding);
      if (finding === 'silent') return;
      await pause(this.#options.intervalMs, signal);
    }
  }

  #asks(peer: Peer): Promise<Look> {
    const { instance, timeoutMs } = this.#options;
    const service = instance.healthCheck?.service ?? '';
    return lookAt(peer, service, AbortSignal.timeout(timeoutMs), timeoutMs);
  }

  #connects(): Promise<Look> {
    const { instance, timeoutMs } = this.#options;
    return knockAt(instance.address, AbortSignal.timeout(timeoutMs), timeoutMs);
  }

  #tell(finding: Finding): void {
    if (!this.#closer.signal.aborted) this.#options.onFinding(finding);
  }
}

function once(run: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) run();
    isDone = true;
  };
}
