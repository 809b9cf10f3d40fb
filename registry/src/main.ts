import { pino } from 'pino';
import { readConfig } from './config.ts';
import { createRegistry, type Registry } from './server.ts';
import { EtcdStore } from './store/etcd-store.ts';
import { MemoryStore } from './store/memory-store.ts';

const config = readConfig(process.argv.slice(2));
const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }));
const isEtcd = config.store === 'etcd';
const store = isEtcd ? new EtcdStore({ endpoints: config.etcd, log }) : new MemoryStore();

let registry: Registry;
try {
  registry = await createRegistry({ ...config, store, log });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    log.info({ signal }, 'stopping');
    await registry.close();
    process.exit(0);
  });
}

const where = isEtcd ? `etcd at ${config.etcd.join(', ')}` : 'memory';
log.info({ address: registry.address, store: where }, 'listening');
await store.catalog.completed;
console.log(`registry ready on ${registry.address}, instances kept in ${where}`);
