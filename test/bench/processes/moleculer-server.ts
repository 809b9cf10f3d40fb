import { serveMoleculer } from '../arms/moleculer.ts';
import { answerCommands } from '../harness/commands.ts';

answerCommands({
  async serve({ id, port, peers }: { id: string; port: number; peers: readonly string[] }) {
    await serveMoleculer(id, port, peers);
  },
});
