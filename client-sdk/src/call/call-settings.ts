import type { Metadata } from '@grpc/grpc-js';
import type { Context } from '@opentelemetry/api';
import type { SizeLimits } from '@weft/proto';
import type { CallReport } from '../balancer/call-report.ts';
import type { ResolvedPolicy } from '../policy/service-policy.ts';

/** What one call, or the site it comes from, asks for besides the policy of its service. */
export interface CallSettings {
  /** Policy of the call site. */
  readonly policy?: ResolvedPolicy | undefined;
  /** What `consistent_hash` goes by. */
  readonly hashKey?: string | undefined;
  /** Limits of this call, over those of the policy. */
  readonly sizeLimits?: Partial<SizeLimits> | undefined;
  /** How long the call may take, in ms, when its channel learns it only as it starts. */
  readonly timeoutMs?: number | undefined;
  /** The trace it belongs to, where there is one: it may be sent from elsewhere, later. */
  readonly traceContext?: Context | undefined;
  /** Called with the report of the call when it has ended. */
  readonly onReport?: ((report: CallReport) => void) | undefined;
  /** Called with the report of the call if it failed. Must not throw. */
  readonly onFailure?: ((report: CallReport) => void) | undefined;
}

const SETTINGS = Symbol('weft call settings');

/** gRPC hands on the options of a call's metadata untouched, and sends nothing of them. */
type Carrier = ReturnType<Metadata['getOptions']> & { [SETTINGS]?: CallSettings };

/** Lets `settings` travel with the call that `metadata` is of, as far as its channel. */
export function attachSettings(metadata: Metadata, settings: CallSettings): void {
  const options: Carrier = { ...metadata.getOptions(), [SETTINGS]: settings };
  metadata.setOptions(options);
}

/** The settings that came with a call. */
export function settingsOf(metadata: Metadata): CallSettings | undefined {
  const options: Carrier = metadata.getOptions();
  return options[SETTINGS];
}
