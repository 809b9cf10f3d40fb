import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { type Check, fail, pass, skip } from './check.ts';

/** Whether a program can be started from `folder`, as `weft up` does: by its path, or found in PATH. */
function isThere(program: string, folder: string, path: string): boolean {
  // `weft up` puts the Node that runs it first.
  const folders = [dirname(process.execPath), ...path.split(delimiter).filter(Boolean)];
  const places = program.includes('/')
    ? [resolve(folder, program)]
    : folders.map((each) => join(each, program));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The programs of the services. */
export const checkPrograms: Check = {
  name: 'programs',
  async look({ topology, env }) {
    if (topology === undefined) return [skip('weft.yaml cannot be used')];
    const missing = topology.services.filter(
      ({ command: [program = ''] }) => !isThere(program, topology.folder, env.PATH ?? ''),
    );
    if (missing.length === 0)
      return [pass(`those of ${topology.services.length} services are there`)];
    return missing.map(({ name, command: [program] }) =>
      fail(
        `${name}: '${program}' is no program here`,
        `install it, or correct services.${name}.command in ${topology.file}`,
      ),
    );
  },
};
