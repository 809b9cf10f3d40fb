import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import { printNews } from '../output/terminal.ts';
import { TopologyError } from './checked-document.ts';
import { parseEnvFile } from './env-file.ts';
import { parseTopology } from './parse-topology.ts';
import type { Topology } from './topology.ts';
import type { Variables } from './variables.ts';

/** The variables of the shell, over those of `.env` beside weft.yaml, if there is one. */
function readVariables(envFile: string): Variables {
  const shell: Variables = { get: (name) => process.env[name] };
  let text = '';
  try {
    text = readFileSync(envFile, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return shell;
    throw new OrchestratorError(`cannot read ${envFile}: ${messageOf(error)}`);
  }
  const { values, problems } = parseEnvFile(text, shell);
  if (problems.length > 0) {
    throw new TopologyError(problems.map((problem) => `${envFile}:${problem}`));
  }
  return { get: (name) => shell.get(name) ?? values.get(name) };
}

/**
 * Reads weft.yaml from disk. `${NAME}` in it is a variable of the shell, else of `.env` beside it.
 * @param parse `parseArchitecture` accepts dependencies that nothing can start with.
 * @param onWarning Called for what is probably not meant. Default: prints it on standard error.
 * @throws OrchestratorError when a file cannot be read, TopologyError naming every fault in it.
 */
export function loadTopology(
  file: string,
  parse = parseTopology,
  onWarning: (text: string) => void = printNews,
): Topology {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new OrchestratorError(
      `cannot read ${file}: ${messageOf(error)}. Run weft in the folder of weft.yaml, or name it with --file.`,
    );
  }
  return parse(text, file, { variables: readVariables(join(dirname(file), '.env')), onWarning });
}
