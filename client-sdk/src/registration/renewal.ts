import type { KeepAliveRequest, RegistryServiceClient } from '@weft/proto/registry';

/** Renews leases over one KeepAlive stream, one request at a time. */
export interface RenewalStream {
  /**
   * Renews the lease. Answers the seconds it now has; 0 when the registry does not know it.
   * @throws when the stream broke or nothing came within `timeoutMs`: close it and open another
   */
  renew(leaseId: bigint, timeoutMs: number): Promise<number>;
  close(): void;
}

/** A request stream that is fed one request at a time; each is taken before the next is put. */
function requestFeed() {
  let waiting = Promise.withResolvers<KeepAliveRequest | undefined>();
  return {
    put(request: KeepAliveRequest | undefined): void {
      waiting.resolve(request);
    },
    async *requests(): AsyncGenerator<KeepAliveRequest> {
      for (;;) {
        const request = await waiting.promise;
        if (request === undefined) return;
        waiting = Promise.withResolvers();
        yield request;
      }
    },
  };
}

export function openRenewalStream(client: RegistryServiceClient): RenewalStream {
  const closer = new AbortController();
  const feed = requestFeed();
  const responses = client
    .keepAlive(feed.requests(), { signal: closer.signal })
    [Symbol.asyncIterator]();
  return {
    async renew(leaseId, timeoutMs) {
      const watchdog = setTimeout(() => closer.abort(), timeoutMs);
      watchdog.unref();
      try {
        feed.put({ leaseIds: [leaseId] });
        const { done, value } = await responses.next();
        if (done === true) throw new Error('the registry ended the keep-alive stream');
        return value.leases.find((lease) => lease.leaseId === leaseId)?.ttlSeconds ?? 0;
      } finally {
        clearTimeout(watchdog);
      }
    },
    close() {
      feed.put(undefined);
      closer.abort();
      // Ends the response iterator, which may not have been asked for anything yet.
      responses.return?.().catch(() => {});
    },
  };
}
