import { Metadata, status } from '@grpc/grpc-js';
import { ErrorInfo, RetryInfo } from '../gen/google/rpc/error_details.ts';
import { Status } from '../gen/google/rpc/status.ts';
import { ERROR_DOMAIN } from './errors.ts';
import { onEventLoopLag } from './event-loop-lag.ts';
import { LoadShedder } from './load-shedder.ts';
import type { SentStatus } from './refused-call.ts';

/** Trailer by which a server tells a client when to try again, or not at all (gRFC A6). */
export const PUSHBACK_TRAILER = 'grpc-retry-pushback-ms';

/** When new calls are refused, and what those are told. */
export interface SheddingSettings {
  /** Lag of the event loop above which new calls are refused, in ms. */
  readonly maxLagMs: number;
  /** After how long a refused call may be tried again, in ms, a quarter more or less. */
  readonly pushbackMs: number;
}

const DETAILS = 'the server is overloaded and took no new call; try again later, or elsewhere';

/** RESOURCE_EXHAUSTED, reason OVERLOADED, with RetryInfo and pushback of `pushbackMs`. */
export function overloadedStatus(pushbackMs: number): SentStatus {
  const info = ErrorInfo.fromPartial({ reason: 'OVERLOADED', domain: ERROR_DOMAIN });
  const seconds = Math.floor(pushbackMs / 1000);
  const nanos = (pushbackMs % 1000) * 1_000_000;
  const retry = RetryInfo.fromPartial({ retryDelay: { seconds: BigInt(seconds), nanos } });
  const rich = Status.fromPartial({
    code: status.RESOURCE_EXHAUSTED,
    message: DETAILS,
    details: [
      { typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo', value: encoded(ErrorInfo, info) },
      { typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value: encoded(RetryInfo, retry) },
    ],
  });
  const metadata = new Metadata();
  metadata.set(PUSHBACK_TRAILER, String(pushbackMs));
  metadata.set('grpc-status-details-bin', encoded(Status, rich));
  return { code: status.RESOURCE_EXHAUSTED, details: DETAILS, metadata };
}

interface Encoder<T> {
  encode(message: T): { finish(): Uint8Array };
}

function encoded<T>(type: Encoder<T>, message: T): Buffer {
  return Buffer.from(type.encode(message).finish());
}

/** Watches the event loop from `start` to `stop`, and meanwhile refuses calls when it lags. */
export class Shedding {
  readonly #settings: SheddingSettings;
  readonly #random: () => number;
  readonly #shedder: LoadShedder;
  #stop: (() => void) | undefined;

  /** @param random spreads the pushback, so that those refused at once do not come back at once */
  constructor(settings: SheddingSettings, random: () => number = Math.random) {
    this.#settings = settings;
    this.#random = random;
    this.#shedder = new LoadShedder(settings.maxLagMs);
  }

  start(): void {
    this.#stop ??= onEventLoopLag((lagMs, nowMs) => this.#shedder.sample(lagMs, nowMs));
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** What a call that comes now is refused with; undefined when it is taken. */
  refusal(): SentStatus | undefined {
    if (!this.#shedder.isShedding) return undefined;
    return overloadedStatus(Math.round(this.#settings.pushbackMs * (0.75 + this.#random() / 2)));
  }
}
