import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** Seconds that the longest files take, about, as measured with two workers. */
const seconds = {
  'e2e/mesh-faults': 67,
  'e2e/readme': 52,
  'integration/faults/sdk-mesh-outage': 41,
  'e2e/page': 32,
  'integration/orchestrator-faults': 28,
  'integration/soak/soak': 26,
  'integration/orchestrator-life': 25,
  'integration/prometheus': 21,
  'integration/faults/sdk-static-stability': 19,
  'unit/scripts/check': 18,
  'integration/sdk-registration': 15,
  'integration/faults/registry-processes': 14,
  'integration/faults/sdk-registry-failover': 13,
  'integration/faults/registry-cluster': 13,
  'integration/weft-etcd': 12,
  'integration/registry-etcd-leases': 11,
  'integration/weft-verify': 11,
  'integration/registry-health': 11,
  'integration/faults/sdk-processes': 11,
  'integration/sdk-drain': 10,
  'integration/orchestrator-adoption': 10,
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
