import { type Command, InvalidArgumentError } from 'commander';
import { OrchestratorError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { examplesText } from '../output/examples.ts';
import { type Header, parseHeader } from './parse-header.ts';
import { parseSeconds } from './parse-seconds.ts';
import { parseRequest, readRequest } from './read-request.ts';
import { addRegistryOption } from './registry-option.ts';

const DEADLINE_SECONDS = 30;

function parseArgument(text: string): JsonObject {
  try {
    return parseRequest(text, 'it');
  } catch (error) {
    if (!(error instanceof OrchestratorError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}

interface CallOptions {
  readonly data?: string;
  readonly deadline: number;
  readonly header: readonly Header[];
  readonly json: boolean;
  readonly registry?: string;
}

export function define(command: Command): void {
  addRegistryOption(command)
    .argument('<service>', 'such as user-service')
    .argument('<method>', 'such as CreateUser')
    .argument('[request]', 'the request as JSON (default: {})', parseArgument)
    .option('-d, --data <request>', 'the request: JSON, @file, or - for standard input')
    .option('-H, --header <name: value>', 'a request header; may be repeated', parseHeader, [])
    .option(
      '--deadline <seconds>',
      'how long the call may take, its retries included',
      parseSeconds,
      DEADLINE_SECONDS,
    )
    .option('--json', 'print a failure as JSON on standard output too', false)
    .addHelpText(
      'after',
      `
The value of a header whose name ends in -bin is base64.
${examplesText([
  ['call user-service ListUsers', ''],
  ['call user-service CreateUser -d @user.json', 'for a request of any size'],
  ["call user-service GetUser -H 'tenant: shop' --deadline 0.5 -d -", ''],
])}`,
    )
    .action(
      async (
        service: string,
        method: string,
        argument: JsonObject | undefined,
        { data, deadline, ...options }: CallOptions,
        command: Command,
      ) => {
        if (data !== undefined && argument !== undefined) {
          command.error('error: the request is given twice, as an argument and with -d');
        }
        const request = data === undefined ? (argument ?? {}) : readRequest(data);
        // The SDK takes long to load: nothing else here needs it.
        const { runCall } = await import('./run-call.ts');
        const call = { service, method, request, timeoutMs: deadline * 1000, ...options };
        await runCall(call, command);
      },
    );
}
