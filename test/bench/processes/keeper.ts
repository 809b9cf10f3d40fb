import { RegistryServiceDefinition } from '@weft/proto/registry';
import { createChannel, createClient } from 'nice-grpc';
import { answerCommands } from '../harness/commands.ts';

const PER_MESSAGE = 500;

export interface Keeping {
  readonly registry: string;
  readonly leaseIds: readonly bigint[];
  /** How often each is renewed, in ms. */
  readonly everyMs: number;
  /** For how long, in ms. */
  readonly ms: number;
}

export interface Kept {
  readonly renewals: number;
  /** Renewals answered that there is no such lease. */
  readonly lost: number;
  /** Streams that ended before their time. */
  readonly failures: number;
}

answerCommands({
  /** Renews leases evenly, as many owners together would. */
  async keep({ registry, leaseIds, everyMs, ms }: Keeping): Promise<Kept> {
    const client = createClient(RegistryServiceDefinition, createChannel(registry));
    const parts = Array.from({ length: Math.ceil(leaseIds.length / PER_MESSAGE) }, (_, index) =>
      leaseIds.slice(index * PER_MESSAGE, (index + 1) * PER_MESSAGE),
    );
    const kept = { renewals: 0, lost: 0, failures: 0 };
    const start = performance.now();
    let sent = 0;
    async function* requests() {
      for (; performance.now() - start < ms; sent += 1) {
        const dueMs = start + (sent * everyMs) / parts.length - performance.now();
        if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
        yield { leaseIds: parts[sent % parts.length] ?? [] };
      }
    }
    while (performance.now() - start < ms) {
      try {
        for await (const { leases } of client.keepAlive(requests())) {
          kept.renewals += leases.length;
          kept.lost += leases.filter(({ ttlSeconds }) => ttlSeconds === 0).length;
        }
      } catch {
        kept.failures += 1;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    return kept;
  },
});
