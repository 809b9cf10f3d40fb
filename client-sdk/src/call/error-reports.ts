import { Metadata } from '@grpc/grpc-js';
import type { CallReport } from '../balancer/call-report.ts';
import { reportOfTrailers } from './call-filter.ts';

const reports = new WeakMap<object, CallReport>();

/** Takes note of how the call fared that failed with `error`. */
export function noteReport(error: object, report: CallReport): void {
  reports.set(error, report);
}

/**
 * How the call fared that failed with `error`: which instances were known, at which revision and how
 * old, which breakers were not closed, and what each attempt met. For errors of `mesh.client` and of
 * grpc-js stubs on `mesh.channel`; undefined for those that tell of no bad instance, as NOT_FOUND.
 */
export function callReport(error: unknown): CallReport | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const known = reports.get(error);
  if (known !== undefined) return known;
  const { metadata } = error as { metadata?: unknown };
  return metadata instanceof Metadata ? reportOfTrailers(metadata) : undefined;
}
