import type { BreakerOrder, ReportRequest } from '@weft/proto/telemetry';
import type { RegistryConnection } from '../discovery/registry-connection.ts';

/** A report that is not taken by then is dropped, in ms. */
const TIMEOUT_MS = 2000;

/**
 * Hands a report to every replica, so that each shows the whole mesh; answers with the orders of all.
 * What cannot be told is dropped.
 */
export async function sendReport(
  { replicas }: RegistryConnection,
  report: ReportRequest,
): Promise<BreakerOrder[]> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const answers = await Promise.allSettled(
    replicas.map(({ telemetry }) => telemetry.report(report, { signal })),
  );
  return answers.flatMap((each) => (each.status === 'fulfilled' ? each.value.orders : []));
}
