import { type Log, messageOf } from '@weft/proto';
import type { RegistryConnection } from '../discovery/registry-connection.ts';

/** A wait longer than this is worth a word in the log, in ms. */
const LONG_MS = 1000;

/** How long the registry has for its first word, in ms. */
const FIRST_WORD_MS = 3000;

export interface LastCallersOptions {
  registry: RegistryConnection;
  service: string;
  /** Since when the registry lists the instance as one that takes no calls. */
  revision: bigint;
  /** For how long clients may have known the instance, in ms. */
  listedMs: () => number;
  /** Longest wait, in ms. */
  withinMs: number;
  log: Log;
}

/**
 * Waits until no client routes calls to an instance that has left any more, as the registry tells, but
 * no longer than told; who held it up is in the log. Answers false, at once, when no registry can say.
 */
export async function lastCallersLeft(options: LastCallersOptions): Promise<boolean> {
  const { registry, service, withinMs, log } = options;
  const startedAt = performance.now();
  const end = AbortSignal.timeout(withinMs);
  let clients: string[] = [];
  const report = (isOver: boolean) => {
    const tookMs = Math.round(performance.now() - startedAt);
    const fields = { service, clients, tookMs };
    if (!isOver) log.warn(fields, 'gave up waiting for clients that may still call this instance');
    else if (tookMs > LONG_MS) log.warn(fields, 'clients were slow to route calls elsewhere');
    return true;
  };
  for (const _ of registry.addresses) {
    const { replica } = registry;
    try {
      for await (const names of holders(replica.client, options, end)) {
        if (names.length === 0) return report(true);
        clients = names;
      }
    } catch (error) {
      const reason = messageOf(error);
      if (!end.aborted)
        log.debug({ registry: replica.address, reason }, 'a drain was not followed');
    }
    if (end.aborted) return report(false);
    registry.failover(replica);
  }
  return false;
}

/** The names of those who may still call, each time they change, until there are none. */
async function* holders(
  client: RegistryConnection['replica']['client'],
  { service, revision, listedMs }: LastCallersOptions,
  end: AbortSignal,
): AsyncGenerator<string[]> {
  const silence = new AbortController();
  const watchdog = setTimeout(() => silence.abort(), FIRST_WORD_MS).unref();
  const signal = AbortSignal.any([end, silence.signal]);
  try {
    // 0 would say that it is unknown.
    const request = { service, revision, listedMs: BigInt(Math.max(1, Math.round(listedMs()))) };
    for await (const answer of client.watchDrain(request, { signal })) {
      clearTimeout(watchdog);
      yield answer.holders.map((holder) => holder.client);
    }
  } finally {
    clearTimeout(watchdog);
  }
}
