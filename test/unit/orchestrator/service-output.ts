import { expect } from '@jest/globals';
import type { MeshPolicies } from '@weft/client-sdk';
import { Leftovers } from '../../../orchestrator/src/leftovers.ts';
import { meshFolder } from '../../../orchestrator/src/mesh-folder.ts';
import { lastLines } from '../../../orchestrator/src/process/log-file.ts';
import { RegistryView } from '../../../orchestrator/src/registry-view.ts';
import { createServiceSlot } from '../../../orchestrator/src/service-slot.ts';
import type { ServiceSpec } from '../../../orchestrator/src/topology/topology.ts';
import { silentLog } from '../../../proto/src/log.ts';
import { eventually } from '../../support/eventually.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** Runs one instance of a service, without a registry, until it has written a line. Returns that line. */
export async function firstLineOf(
  spec: ServiceSpec | undefined,
  calls?: MeshPolicies,
): Promise<string> {
  if (spec === undefined) throw new Error('no service');
  using folder = tempFolder();
  const view = new RegistryView('127.0.0.1:1', silentLog);
  const slot = createServiceSlot({
    spec,
    number: 1,
    host: '127.0.0.1',
    workFolder: folder.path,
    folder: meshFolder(folder.path),
    registryAddress: '127.0.0.1:1',
    calls,
    mesh: () => {
      throw new Error('it registers itself');
    },
    view,
    left: new Leftovers(undefined),
    onChange: () => {},
  });
  try {
    slot.start();
    return await eventually(() => {
      const [line = ''] = lastLines(slot.logFile, 9);
      expect(line).not.toBe('');
      return line;
    });
  } finally {
    await slot.stop();
    await view.close();
  }
}
