import { EventType } from '@weft/proto/registry';
import { createRegistry, MemoryStore } from '@weft/registry';
import { answerCommands } from '../harness/commands.ts';
import { describedInstance } from '../harness/described-instance.ts';

/** How many instances a service has here. */
const PER_SERVICE = 10;

answerCommands({
  /** Starts a registry that lists ten instances of `service`, and of so many others. Answers its address. */
  async start({ service, others }: { service: string; others: number }) {
    const store = new MemoryStore();
    const names = [service, ...Array.from({ length: others }, (_, index) => `other-${index}`)];
    for (const name of names) {
      for (let index = 0; index < PER_SERVICE; index += 1) {
        const revision = store.catalog.revision + 1n;
        const instance = { ...describedInstance(name, index), modRevision: revision };
        store.catalog.apply([{ type: EventType.EVENT_TYPE_PUT, instance, revision }]);
      }
    }
    const registry = await createRegistry({ port: 0, store });
    return registry.address;
  },
  /** CPU time of this process so far, in us. */
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
});
