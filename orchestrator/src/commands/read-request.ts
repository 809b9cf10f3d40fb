import { readFileSync } from 'node:fs';
import { OrchestratorError } from '../errors.ts';
import { parseExactJson } from '../exact-json.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';

const STDIN = 0;

/**
 * Parses the request of a call. Every digit of a number is kept.
 * @param source what the text is, to name it in errors: a file, or `-d`
 * @throws OrchestratorError if it is no JSON object
 */
export function parseRequest(text: string, source: string): JsonObject {
  let value: JsonValue;
  try {
    value = parseExactJson(text);
  } catch (error) {
    throw new OrchestratorError(`${source} is not JSON: ${(error as Error).message}`);
  }
  if (!isJsonObject(value)) throw new OrchestratorError(`${source} is no JSON object`);
  return value;
}

function readText(file: string | typeof STDIN, source: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    // Node's message ends with the name of the system call and the path, which stands here already.
    const [reason] = (error as Error).message.split(', ');
    throw new OrchestratorError(`cannot read ${source}: ${reason}`);
  }
}

/**
 * Reads the request that `-d` names: `@file`, `-` for standard input, else it is the JSON itself.
 * @throws OrchestratorError if it cannot be read, or is no JSON object
 */
export function readRequest(data: string): JsonObject {
  if (data === '-') {
    const source = 'standard input';
    return parseRequest(readText(STDIN, source), source);
  }
  if (!data.startsWith('@')) return parseRequest(data, '-d');
  const file = data.slice(1);
  if (file === '') throw new OrchestratorError('-d @ names no file; write -d @request.json');
  return parseRequest(readText(file, file), file);
}
