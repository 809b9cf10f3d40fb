import { messageOf } from '@weft/proto';
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
  /** Leases of which a renewal was answered that there is none. */
  readonly lost: number;
  /** Streams that ended before their time, and why the first one did. */
  readonly failures: number;
  readonly firstFailure: string | undefined;
}

answerCommands({
  /** Renews leases evenly, as many owners together would. */
  async keep({ registry, leaseIds, everyMs, ms }: Keeping): Promise<Kept> {
    const client = createClient(RegistryServiceDefinition, createChannel(registry));
    const parts = Array.from({ length: Math.ceil(leaseIds.length / PER_MESSAGE) }, (_, index) =>
      leaseIds.slice(index * PER_MESSAGE, (index + 1) * PER_MESSAGE),
    );
    const lost = new Set<bigint>();
    let renewals = 0;
    let failures = 0;
    let firstFailure: string | undefined;
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
          renewals += leases.length;
          for (const { leaseId, ttlSeconds } of leases) if (ttlSeconds === 0) lost.add(leaseId);
        }
      } catch (error) {
        failures += 1;
        firstFailure ??= messageOf(error);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    return { renewals, lost: lost.size, failures, firstFailure };
  },
});
