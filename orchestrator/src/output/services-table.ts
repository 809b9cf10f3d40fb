import type { ServiceSummary } from '@weft/proto/registry';
import { noTraffic, type Traffic, trafficJson } from '../mesh-view/traffic.ts';
import { type ColumnsOptions, columns } from './columns.ts';
import { latencyText, rateText, shareText } from './traffic-text.ts';

type Of = ReadonlyMap<string, Traffic>;

const TITLES = ['service', 'instances', 'running', 'versions', 'calls/s', 'errors', 'p99'];

/** Services and their traffic, one a line. */
export function servicesTable(
  services: readonly ServiceSummary[],
  traffic: Of,
  options: ColumnsOptions,
): string {
  const rows = services.map(({ name, instanceCount, runningCount, versions }) => {
    const { callsPerSecond, errorsPerSecond, p99Ms } = traffic.get(name) ?? noTraffic;
    return [
      name,
      String(instanceCount),
      String(runningCount),
      versions.filter((version) => version !== '').join(', ') || '-',
      rateText(callsPerSecond),
      shareText(errorsPerSecond, callsPerSecond),
      latencyText(p99Ms),
    ];
  });
  return columns(TITLES, rows, options);
}

/** The same for programs. */
export function servicesJson(services: readonly ServiceSummary[], traffic: Of): object[] {
  return services.map(({ name, instanceCount, runningCount, versions }) => ({
    name,
    instances: instanceCount,
    running: runningCount,
    versions,
    ...trafficJson(traffic.get(name) ?? noTraffic),
  }));
}
