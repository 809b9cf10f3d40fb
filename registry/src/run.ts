import { messageOf, onEndSignals } from '@weft/proto';
import { readConfig } from './config.ts';
import { openLog } from './open-log.ts';
import { createRegistry, type Registry } from './server.ts';
import { EtcdStore } from './store/etcd-store.ts';
import { MemoryStore } from './store/memory-store.ts';

const config = readConfig(process.argv.slice(2));
const log = await openLog(config.logLevel);
const isEtcd = config.store === 'etcd';
const store = isEtcd ? new EtcdStore({ ...config.etcd, log }) : new MemoryStore();

let registry: Registry;
try {
  registry = await createRegistry({ ...config, store, log });
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
onEndSignals({
  async onFirst(signal) {
    log.info({ signal }, 'stopping');
    await registry.close();
    process.exit(0);
  },
  onAgain(signal) {
    log.warn({ signal }, 'second signal: ending at once');
    process.exit(1);
  },
});

const where = isEtcd ? `etcd at ${config.etcd.endpoints.join(', ')}` : 'memory';
const { address, httpAddress: http } = registry;
log.info({ address, http, store: where }, 'listening');
await store.catalog.completed;
console.log(`registry ready on ${address}, instances kept in ${where}`);
