import { leftoversOf } from '../leftovers.ts';
import { weftCommand } from '../output/weft-command.ts';
import { isAlive } from '../process/process-identity.ts';
import { type Check, pass, warn } from './check.ts';

/** Processes of a `weft up` that was killed. */
export const checkLeftovers: Check = {
  name: 'leftovers',
  async look({ state }) {
    if (state === undefined) return [pass('no mesh is up here, and none was left')];
    if (isAlive(state.orchestrator)) return [pass(`weft up runs (pid ${state.orchestrator.pid})`)];
    const left = leftoversOf(state);
    if (left.length === 0) return [pass('an earlier weft up ended, and left nothing running')];
    const names = left.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ');
    return [
      warn(
        `weft up is gone and left running, with nobody to start them again: ${names}`,
        `take them over with \`${weftCommand('up')}\`, or end them with \`${weftCommand('down')}\``,
      ),
    ];
  },
};
