import { readFileSync } from 'node:fs';
import { messageOf } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import { parseTopology } from './parse-topology.ts';
import type { Topology } from './topology.ts';

/**
 * Reads weft.yaml from disk.
 * @param parse `parseArchitecture` takes dependencies that nothing can start by.
 * @throws OrchestratorError when it cannot be read, TopologyError when it is not as it must be.
 */
export function loadTopology(file: string, parse = parseTopology): Topology {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new OrchestratorError(
      `cannot read ${file}: ${messageOf(error)}. Run weft in the folder of weft.yaml, or name it with --file.`,
    );
  }
  return parse(text, file);
}
