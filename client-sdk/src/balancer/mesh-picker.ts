import { Metadata, status } from '@grpc/grpc-js';
import {
  type PickArgs,
  type Picker,
  type PickResult,
  PickResultType,
  type Subchannel,
} from '../grpc-experimental.ts';
import type { Balancer } from './balancer.ts';
import { CallRecord } from './call-record.ts';
import type { Endpoint } from './endpoint.ts';
import type { NoPick } from './no-pick.ts';

const queue: PickResult = {
  pickResultType: PickResultType.QUEUE,
  subchannel: null,
  status: null,
  onCallStarted: null,
  onCallEnded: null,
};

/** Fails a pick. A dropped call is not retried; any other is, if its method is retried at all. */
function failure(
  code: status,
  details: string,
  isDropped: boolean,
  metadata = new Metadata(),
): PickResult {
  return {
    pickResultType: isDropped ? PickResultType.DROP : PickResultType.TRANSIENT_FAILURE,
    subchannel: null,
    status: { code, details, metadata },
    onCallStarted: null,
    onCallEnded: null,
  };
}

function failed({ isFinal, message, lastEnd }: NoPick & { kind: 'fail' }): PickResult {
  if (!isFinal || lastEnd === undefined) return failure(status.UNAVAILABLE, message, isFinal);
  // The core passes on what came with `end`, which is what gRPC calls it with.
  return failure(lastEnd.statusCode, lastEnd.details, true, lastEnd.trailers as Metadata);
}

/** Puts the core's choice into gRPC's terms. */
export class MeshPicker implements Picker {
  readonly #balancer: Balancer;
  readonly #subchannelOf: (endpoint: Endpoint) => Subchannel | undefined;

  constructor(balancer: Balancer, subchannelOf: (endpoint: Endpoint) => Subchannel | undefined) {
    this.#balancer = balancer;
    this.#subchannelOf = subchannelOf;
  }

  pick({ extraPickInfo }: PickArgs): PickResult {
    // The config selector gives each call one record, which its retries pick with again.
    const info: unknown = extraPickInfo;
    const pick = this.#balancer.pick(info instanceof CallRecord ? info : new CallRecord());
    switch (pick.kind) {
      case 'wait':
        return queue;
      case 'fail':
        return failed(pick);
      case 'attempt':
        return {
          pickResultType: PickResultType.COMPLETE,
          subchannel: this.#subchannelOf(pick.endpoint) ?? null,
          status: null,
          onCallStarted: pick.start,
          onCallEnded: pick.end,
        };
    }
  }
}

/** Fails every call, as long as nothing is known of the service. */
export class FailingPicker implements Picker {
  readonly #result: PickResult;

  constructor(code: status, details: string) {
    this.#result = failure(code, details, false);
  }

  pick(): PickResult {
    return this.#result;
  }
}
