import { createRegistry, EtcdStore, type Registry } from '@weft/registry';
import { answerCommands } from '../harness/commands.ts';

let registry: Registry | undefined;

/** RSS and heap in MB, once what nobody holds has been collected. */
async function memory() {
  for (let i = 0; i < 4; i += 1) {
    await new Promise(setImmediate);
    globalThis.gc?.();
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20 };
}

answerCommands({
  /** Starts the registry. Answers its address once its view is complete. */
  async start({ etcd, port = 0 }: { etcd: string; port?: number }) {
    const store = new EtcdStore({ endpoints: [etcd] });
    registry = await createRegistry({ port, store });
    await store.catalog.completed;
    return registry.address;
  },
  memory,
  size: () => registry?.store.catalog.size ?? 0,
  /** CPU time of this process so far, in us. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
