import { type Command, InvalidArgumentError } from 'commander';
import { OrchestratorError } from '../errors.ts';
import { parseExactJson } from '../exact-numbers.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { printJson } from '../output/terminal.ts';
import { globalOptions } from './context.ts';
import { addRegistryOption, registryOf } from './registry-option.ts';

const CALL_DEADLINE_MS = 30_000;

function parseRequest(text: string): JsonObject {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (error) {
    const what = error instanceof SyntaxError ? 'It is not JSON' : 'It cannot be sent as it is';
    throw new InvalidArgumentError(`${what}: ${(error as Error).message}.`);
  }
  if (!isJsonObject(value)) throw new InvalidArgumentError('It must be a JSON object.');
  return value;
}

interface CallOptions {
  readonly json: boolean;
  readonly registry?: string;
}

export function define(command: Command): void {
  addRegistryOption(command)
    .argument('<service>', 'such as user-service')
    .argument('<method>', 'such as CreateUser')
    .argument('[request]', 'the request as JSON', parseRequest, {})
    .option('--json', 'print a failure as JSON on standard output too', false)
    .action(
      async (
        service: string,
        method: string,
        request: JsonObject,
        options: CallOptions,
        command: Command,
      ) => {
        const { createMesh } = await import('@weft/client-sdk');
        const { callFailure, callFailureText } = await import('../output/call-error.ts');
        const registry = registryOf(globalOptions(command), options.registry);
        const mesh = createMesh({ registry, defaultDeadlineMs: CALL_DEADLINE_MS });
        try {
          printJson(await mesh.call(service, method, request));
        } catch (error) {
          const failure = callFailure(error);
          if (options.json) printJson({ error: failure });
          throw new OrchestratorError(callFailureText(failure));
        } finally {
          mesh.close();
        }
      },
    );
}
