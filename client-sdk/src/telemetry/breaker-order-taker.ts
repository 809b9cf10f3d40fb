import { type BreakerOrder, BreakerState } from '@weft/proto/telemetry';
import type { BreakerView } from '../breaker/breaker-view.ts';

/** Orders remembered as carried out; a registry holds one for 30 s. */
const MOST = 2000;

/** Carries out what people ordered, through the registry, of breakers, each order once. */
export class BreakerOrderTaker {
  readonly #breakers: () => readonly BreakerView[];
  readonly #taken = new Set<string>();

  /** @param breakers those of this process as they are */
  constructor(breakers: () => readonly BreakerView[]) {
    this.#breakers = breakers;
  }

  take(orders: readonly BreakerOrder[]): void {
    const news = orders.filter(({ id }) => !this.#taken.has(id));
    if (news.length === 0) return;
    const breakers = this.#breakers();
    for (const { id, service, instanceId, state } of news) {
      this.#taken.add(id);
      for (const breaker of breakers) {
        if (breaker.service !== service || breaker.instanceId !== instanceId) continue;
        if (state === BreakerState.BREAKER_STATE_OPEN) breaker.open();
        if (state === BreakerState.BREAKER_STATE_CLOSED) breaker.close();
      }
    }
    const surplus = this.#taken.size - MOST;
    for (const id of [...this.#taken].slice(0, Math.max(0, surplus))) this.#taken.delete(id);
  }
}
