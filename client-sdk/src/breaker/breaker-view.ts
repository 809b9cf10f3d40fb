import { addressText } from '@weft/proto';
import type { Endpoint } from '../balancer/endpoint.ts';
import type { BreakerState } from './breaker.ts';

/** The breaker of one instance as it is whenever looked at, to be turned by hand too. */
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
  const { instance } = endpoint;
  return {
    service,
    instanceId: instance.id,
    address: addressText(instance.address),
    get state() {
      return endpoint.breaker.state;
    },
    get isForced() {
      return endpoint.breaker.isForced;
    },
    get failures() {
      return endpoint.breaker.failures;
    },
    open: () => endpoint.breaker.open(),
    close: () => endpoint.breaker.close(),
  };
}
