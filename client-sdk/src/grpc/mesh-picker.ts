import { Metadata, status } from '@grpc/grpc-js';
import { PUSHBACK_TRAILER } from '@weft/proto';
import type { Attempt } from '../balancer/attempt.ts';
import type { Balancer } from '../balancer/balancer.ts';
import type { FirstPicks } from '../balancer/first-picks.ts';
import type { NoPick } from '../balancer/no-pick.ts';
import type { PlannedCall } from '../call/planned-call.ts';
import {
  type PickArgs,
  type Picker,
  type PickResult,
  PickResultType,
} from '../grpc-experimental.ts';

const queue: PickResult = {
  pickResultType: PickResultType.QUEUE,
  subchannel: null,
  status: null,
  onCallStarted: null,
  onCallEnded: null,
};

const wait: NoPick = { kind: 'wait' };

/** Fails a pick. A dropped call is not retried; any other is, if the call may have another attempt. */
function failed(
  { code, isFinal, message, lastEnd }: NoPick & { kind: 'fail' },
  { plan }: PlannedCall,
): PickResult {
  const metadata = new Metadata();
  if (plan.maxAttempts === 1) metadata.set(PUSHBACK_TRAILER, '-1');
  const end =
    isFinal && lastEnd !== undefined
      ? // The core passes on what came with `end`, which is what gRPC calls it with.
        {
          code: lastEnd.statusCode,
          details: lastEnd.details,
          metadata: lastEnd.trailers as Metadata,
        }
      : { code: status[code], details: message, metadata };
  return {
    pickResultType: isFinal ? PickResultType.DROP : PickResultType.TRANSIENT_FAILURE,
    subchannel: null,
    status: end,
    onCallStarted: null,
    onCallEnded: null,
  };
}

/** Puts the core's choice into gRPC's terms. */
export class MeshPicker implements Picker {
  readonly #balancer: Balancer;
  readonly #firstPicks: Pick<FirstPicks, 'areHeld'>;
  readonly #send: (attempt: Attempt, call: PlannedCall) => PickResult;
  /** Whether a call waits for the next change of the picks. */
  hasQueued = false;

  /** @param send makes what sends an attempt over the connection of its endpoint */
  constructor(
    balancer: Balancer,
    firstPicks: Pick<FirstPicks, 'areHeld'>,
    send: (attempt: Attempt, call: PlannedCall) => PickResult,
  ) {
    this.#balancer = balancer;
    this.#firstPicks = firstPicks;
    this.#send = send;
  }

  pick({ extraPickInfo }: PickArgs): PickResult {
    // The config selector gives each call one record, which its retries pick with again.
    const call = extraPickInfo as unknown as PlannedCall;
    const pick = this.#firstPicks.areHeld ? wait : this.#balancer.pick(call);
    switch (pick.kind) {
      case 'wait':
        this.hasQueued = true;
        return queue;
      case 'fail':
        return failed(pick, call);
      case 'attempt':
        return this.#send(pick, call);
    }
  }
}
