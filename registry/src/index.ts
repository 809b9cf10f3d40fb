/** The registry as a library: run one in a process of your own. */

export { createRegistry, type Registry, type RegistryOptions } from './server.ts';
// Stores
export { EtcdStore, type EtcdStoreOptions } from './store/etcd-store.ts';
export { MemoryStore } from './store/memory-store.ts';
export type { Store } from './store/store.ts';
