import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** Seconds that the longest files take, about, as measured with three workers. */
const seconds = {
  'e2e/readme': 120,
  'e2e/mesh-faults': 90,
  'e2e/page': 40,
  'e2e/weft-init': 30,
  'integration/orchestrator-faults': 28,
  'integration/soak/soak': 27,
  'integration/chaos': 26,
  'integration/orchestrator-terminal': 25,
  'integration/registered-programs': 20,
  'integration/orchestrator-restart': 25,
  'integration/http-server': 13,
  'unit/registry/record-fuzzer': 21,
  'integration/prometheus': 21,
  'integration/registry-etcd-expired': 16,
  'integration/orchestrator-life': 20,
  'integration/orchestrator-scaling': 19,
  'integration/faults/sdk-mesh-outage': 18,
  'integration/faults/registry-cluster': 16,
  'integration/faults/registry-processes': 16,
  'integration/orchestrator-adoption': 14,
  'integration/weft-verify': 12,
  'integration/temporary-meshes': 12,
  'integration/faults/sdk-registry-failover': 12,
  'integration/sdk-drain': 12,
  'integration/calls-in-flight': 11,
  'integration/sdk-attempts': 11,
  'integration/registry-health': 11,
  'integration/faults/registry-crowd': 11,
  'integration/faults/sdk-processes': 11,
  'integration/drain-restart': 16,
  'integration/orchestrator-page': 14,
  'e2e/page-width': 11,
  'e2e/payments': 10,
  'integration/orchestrator-disk': 10,
  'integration/orchestrator-secrets': 10,
  'integration/database-version': 8,
  'integration/registry-etcd-leases': 10,
  'unit/scripts/check': 10,
  'integration/faults/sdk-static-stability': 10,
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
