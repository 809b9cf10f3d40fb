import { createRegistry, EtcdStore } from '@weft/registry';
import { answerCommands } from '../harness/commands.ts';
import { startProfile } from '../harness/profile.ts';

let stopProfile: (() => Promise<unknown>) | undefined;

answerCommands({
  /** Starts the registry on an etcd. Answers its address once it is ready. */
  async start(endpoint: string): Promise<string> {
    const registry = await createRegistry({
      port: 0,
      store: new EtcdStore({ endpoints: [endpoint] }),
    });
    await registry.store.catalog.completed;
    return registry.address;
  },
  async startProfile() {
    stopProfile = await startProfile();
  },
  stopProfile: () => stopProfile?.(),
});
