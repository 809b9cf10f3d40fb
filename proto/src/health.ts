import { type CallContext, type ServiceImplementation, Status } from 'nice-grpc';
import { ServerError } from 'nice-grpc-common';
import {
  type HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../gen/grpc/health/v1/health.ts';
import { boundedText } from './status-size.ts';

/**
 * The health of a server and of each service on it, told over grpc.health.v1.
 * The empty name stands for the whole server.
 */
export class HealthState {
  readonly #statuses = new Map<string, ServingStatus>([['', ServingStatus.NOT_SERVING]]);
  readonly #watchers = new Set<() => void>();

  /** Status of a service, undefined when this server does not know it. */
  get(service: string): ServingStatus | undefined {
    return this.#statuses.get(service);
  }

  set(service: string, status: ServingStatus): void {
    this.#statuses.set(service, status);
    for (const wake of this.#watchers) wake();
  }

  setAll(status: ServingStatus): void {
    for (const service of this.#statuses.keys()) this.#statuses.set(service, status);
    for (const wake of this.#watchers) wake();
  }

  /** Every service this server knows, with its status. */
  entries(): Map<string, { status: ServingStatus }> {
    return new Map([...this.#statuses].map(([service, status]) => [service, { status }]));
  }

  /** Resolves at the next change, or when `signal` aborts. */
  async changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    this.#watchers.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    this.#watchers.delete(wake);
    signal.removeEventListener('abort', wake);
  }
}

/** grpc.health.v1.Health over a HealthState. Watches end when `closing` aborts. */
export function healthService(
  state: HealthState,
  closing: AbortSignal,
): ServiceImplementation<typeof HealthDefinition> {
  return {
    async check({ service }) {
      const status = state.get(service);
      if (status === undefined) {
        throw new ServerError(
          Status.NOT_FOUND,
          `this server has no service '${boundedText(service)}'`,
        );
      }
      return { status };
    },
    async list() {
      return { statuses: state.entries() };
    },
    async *watch({ service }, context: CallContext) {
      const ended = AbortSignal.any([context.signal, closing]);
      let last: ServingStatus | undefined;
      for (;;) {
        const status = state.get(service) ?? ServingStatus.SERVICE_UNKNOWN;
        if (status !== last) yield { status };
        last = status;
        // The last word of a server that closes is that it does not serve.
        if (ended.aborted) return;
        // A change during the yield is seen by the next comparison, not by an event.
        if ((state.get(service) ?? ServingStatus.SERVICE_UNKNOWN) === last)
          await state.changed(ended);
      }
    },
  };
}
