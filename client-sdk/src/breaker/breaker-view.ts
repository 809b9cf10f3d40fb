import { addressText, type Endpoint } from '../balancer/endpoint.ts';
import type { BreakerState } from './breaker.ts';

/** The breaker of one instance as this process sees it, to look at and to turn by hand. */
export interface BreakerView {
  readonly service: string;
  readonly instanceId: string;
  readonly address: string;
  readonly state: BreakerState;
  /** Whether it was opened by hand. */
  readonly isForced: boolean;
  /** Failures counted in its window. */
  readonly failures: number;
  /** Takes the instance out of the picks of this process until `close`. */
  open(): void;
  /** Closes it, whatever opened it. */
  close(): void;
}

export function breakerView(service: string, endpoint: Endpoint): BreakerView {
  const { instance, breaker } = endpoint;
  return {
    service,
    instanceId: instance.id,
    address: addressText(instance.address),
    state: breaker.state,
    isForced: breaker.isForced,
    failures: breaker.failures,
    open: () => endpoint.breaker.open(),
    close: () => endpoint.breaker.close(),
  };
}
