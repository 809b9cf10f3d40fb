import { silentLog } from '@weft/proto';
import { RegistryConnection } from '../../client-sdk/src/discovery/registry-connection.ts';
import { ServiceDirectory } from '../../client-sdk/src/discovery/service-directory.ts';

/** The discovery of a mesh alone, over a connection of its own. Always close it. */
export function openDirectory(address: string): { directory: ServiceDirectory; close(): void } {
  const registry = new RegistryConnection([address], Math.random);
  const directory = new ServiceDirectory({
    registry,
    ttlMs: 60_000,
    timeoutMs: 20_000,
    protectedShare: 0.5,
    observer: { snapshotKept() {}, snapshotReleased() {} },
    log: silentLog,
  });
  return {
    directory,
    close() {
      directory.close();
      registry.close();
    },
  };
}
