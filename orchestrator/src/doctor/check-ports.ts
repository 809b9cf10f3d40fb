import { PortError } from '../errors.ts';
import { isAlive } from '../process/process-identity.ts';
import { checkPorts } from '../taken-ports.ts';
import { fixedPorts } from '../topology/fixed-ports.ts';
import { type Check, fail, pass, skip } from './check.ts';

/** The ports that weft.yaml fixes. */
export const checkFixedPorts: Check = {
  name: 'ports',
  async look({ topology, state, store }) {
    if (topology === undefined || store === undefined) return [skip('weft.yaml cannot be used')];
    const running = state?.processes.filter(isAlive).map(({ name }) => name) ?? [];
    try {
      await checkPorts(topology, store, new Set(running));
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      return error.message.split('\n').map((line) => {
        const [what = line, advice = 'see weft.yaml'] = line.split('; ');
        return fail(what, advice);
      });
    }
    const count = fixedPorts(topology).length;
    return [pass(`the ${count} that weft.yaml fixes are free, or this mesh has them`)];
  },
};
