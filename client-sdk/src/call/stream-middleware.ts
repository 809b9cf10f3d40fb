import { type CallOptions, ClientError, type ClientMiddleware, Metadata } from 'nice-grpc-common';
import type { CallReport } from '../balancer/call-report.ts';
import { givenSizeLimits } from '../policy/size-limit-fields.ts';
import type { MeshCallOptions } from './call-options.ts';
import type { CallSettings } from './call-settings.ts';
import { noteReport } from './error-reports.ts';

/** Request metadata that carries the id of a call's settings as far as its channel. It is never sent. */
export const SETTINGS_KEY = 'weft-internal-settings';

/** Settings of streaming calls that have not reached their channel yet, by id. */
const underWay = new Map<string, CallSettings>();
let next = 0;

/** Removes and returns the settings that a call came with. */
export function takeSettings(id: string): CallSettings | undefined {
  const settings = underWay.get(id);
  underWay.delete(id);
  return settings;
}

/**
 * Hands the options of a streaming call to the channel, and the report of a failed one to `callReport`.
 * nice-grpc has no other way to pass either.
 */
export const streamMiddleware: ClientMiddleware<MeshCallOptions> = async function* pass(
  call,
  options: CallOptions & MeshCallOptions,
) {
  const id = String(next++);
  let report: CallReport | undefined;
  const onFailure = (told: CallReport) => {
    report = told;
  };
  const { timeoutMs, hashKey, onReport, signal, onHeader, onTrailer } = options;
  const sizeLimits = givenSizeLimits(options);
  underWay.set(id, { timeoutMs, hashKey, onReport, onFailure, sizeLimits });
  try {
    const metadata = Metadata(options.metadata).set(SETTINGS_KEY, id);
    return yield* call.next(call.request, { metadata, signal, onHeader, onTrailer } as CallOptions);
  } catch (error) {
    if (report !== undefined && error instanceof ClientError) noteReport(error, report);
    throw error;
  } finally {
    underWay.delete(id);
  }
};
