import { expect, it } from '@jest/globals';
import { type BreakerOrder, BreakerState } from '@weft/proto/telemetry';
import type { BreakerView } from '../../../../client-sdk/src/breaker/breaker-view.ts';
import { BreakerOrderTaker } from '../../../../client-sdk/src/telemetry/breaker-order-taker.ts';

function view(instanceId: string, done: string[]): BreakerView {
  const open = () => void done.push(`open ${instanceId}`);
  const close = () => void done.push(`close ${instanceId}`);
  return { service: 'echo', instanceId, open, close } as BreakerView;
}

const order = (id: string, instanceId: string, state: BreakerState): BreakerOrder => {
  return { id, service: 'echo', instanceId, state };
};

it('carries out each order once, on the breakers it is for', () => {
  const done: string[] = [];
  const taker = new BreakerOrderTaker(() => [view('a', done), view('b', done)]);
  const first = order('1', 'a', BreakerState.BREAKER_STATE_OPEN);
  taker.take([first, order('2', 'nobody', BreakerState.BREAKER_STATE_OPEN)]);
  taker.take([first, order('3', 'b', BreakerState.BREAKER_STATE_CLOSED)]);
  taker.take([{ ...order('4', 'a', BreakerState.BREAKER_STATE_OPEN), service: 'other' }]);
  taker.take([order('5', 'a', BreakerState.BREAKER_STATE_HALF_OPEN)]);
  expect(done).toEqual(['open a', 'close b']);
});
