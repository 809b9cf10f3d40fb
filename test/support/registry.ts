import { createRegistry, type Registry, type RegistryOptions } from '@weft/registry';

/** A real registry in this process, on a free port; over memory unless given a store. Always close it. */
export function createTestRegistry(options: RegistryOptions = {}): Promise<Registry> {
  return createRegistry({ port: 0, ...options });
}
