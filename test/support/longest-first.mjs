import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** Seconds that the longest files take, about, as measured with four workers. */
const seconds = {
  'e2e/readme': 150,
  'e2e/mesh-faults': 97,
  'e2e/page': 50,
  'integration/orchestrator-faults': 39,
  // It waits for the same packages as the mesh under faults, which begins by making them.
  'e2e/weft-init': 34,
  'integration/soak/soak': 27,
  'integration/orchestrator-scaling': 22,
  'integration/prometheus': 22,
  'integration/orchestrator-life': 20,
  'integration/faults/registry-cluster': 19,
  'integration/weft-verify': 16,
  'integration/faults/registry-processes': 15,
  'unit/scripts/check': 15,
  'integration/faults/sdk-registry-failover': 14,
  'integration/sdk-drain': 14,
  'integration/faults/sdk-mesh-outage': 14,
  'integration/faults/registry-crowd': 13,
  'integration/registry-etcd-leases': 13,
  'integration/weft-etcd': 13,
  'integration/registry-health': 13,
  'integration/faults/sdk-processes': 12,
  'integration/orchestrator-adoption': 12,
  'e2e/payments': 12,
  'integration/payment-crash': 11,
};

/**
 * Jest's order, with the longest files first: no worker is left alone with one of them at the end.
 * Jest itself knows how long each takes from the run before; a fresh clone has none.
 */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const costOf = ({ path, context }) => {
      const file = relative(`${context.config.rootDir}/test`, path).replaceAll('\\', '/');
      return seconds[file.replace(/\.test\.ts$/, '')] ?? 0;
    };
    return super.sort(tests).sort((a, b) => costOf(b) - costOf(a));
  }
}
