import type { ServerInterceptor } from '@grpc/grpc-js';
import { passedOn, pushbackStatus, refused } from '@weft/proto';
import { RegistryServiceDefinition } from '@weft/proto/registry';
import { peerHost } from '../address-rules.ts';
import { TokenBuckets } from './token-buckets.ts';

export interface RequestLimitOptions {
  /** Requests of one host; twice as many at once. */
  perSecond: number;
  /** Told of each request that is refused. */
  onRefused: () => void;
  /** The monotonic clock, in ms. Default: this process's. */
  now?: () => number;
}

/** A host that asks too much must not lose what it has listed. */
const KEEP_ALIVE = `/${RegistryServiceDefinition.fullName}/${RegistryServiceDefinition.methods.keepAlive.name}`;

/**
 * Refuses calls of a host that makes too many: RESOURCE_EXHAUSTED, reason TOO_MANY_REQUESTS, with
 * RetryInfo and pushback. A stream counts once, however much it carries.
 */
export function requestLimit(options: RequestLimitOptions): ServerInterceptor {
  const { perSecond, onRefused, now = () => performance.now() } = options;
  const buckets = new TokenBuckets({ perSecond, burst: 2 * perSecond });
  return ({ path }, call) => {
    if (path === KEEP_ALIVE) return passedOn(call);
    const host = peerHost(call.getPeer());
    const waitMs = buckets.take(host, now());
    if (waitMs === 0) return passedOn(call);
    onRefused();
    const details = `${host} makes more than the ${perSecond} requests a second that this registry takes of one host; try again in ${waitMs} ms, and watch rather than ask again and again`;
    const metadata = { max_requests_per_second: `${perSecond}` };
    return refused(
      call,
      pushbackStatus(details, { reason: 'TOO_MANY_REQUESTS', metadata }, waitMs),
    );
  };
}
