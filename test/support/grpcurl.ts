import { run } from '../../scripts/tools/program.ts';
import { toolPath } from './tools.ts';

/** Runs grpcurl without TLS and without contract files: all it knows comes from reflection. */
export async function grpcurl(...args: string[]): Promise<string> {
  const { code, output } = await run(toolPath('grpcurl'), ['-plaintext', ...args]);
  if (code !== 0) throw new Error(`grpcurl ${args.join(' ')}:\n${output}`);
  return output;
}

/** Calls `package.Service/Method` with a JSON request and answers the JSON response. */
export async function grpcurlCall<Response>(
  address: string,
  method: string,
  request: object = {},
): Promise<Response> {
  return JSON.parse(await grpcurl('-d', JSON.stringify(request), address, method)) as Response;
}
