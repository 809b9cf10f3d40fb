import { createMesh, type Mesh } from '@weft/client-sdk';
import type { Command } from 'commander';
import { Metadata } from 'nice-grpc';
import { OrchestratorError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { unknownService } from '../mesh-view/read-catalog.ts';
import { type CallFailure, callFailure, callFailureText } from '../output/call-error.ts';
import { printJson } from '../output/terminal.ts';
import { askRegistry } from './ask-registry.ts';
import { globalOptions } from './context.ts';
import type { Header } from './parse-header.ts';
import { registryOf } from './registry-option.ts';

/** A call of a method by name. */
export interface NamedCall {
  readonly service: string;
  readonly method: string;
  readonly request: JsonObject;
  readonly header: readonly Header[];
  readonly timeoutMs: number;
  /** Whether a failure is printed as JSON. */
  readonly json: boolean;
  /** The registry, if the command line names it. */
  readonly registry?: string;
}

/** Why a call failed. A service without an instance is looked for among those that are registered. */
async function failureOf(
  error: unknown,
  mesh: Mesh,
  service: string,
  command: Command,
): Promise<CallFailure> {
  const known = await mesh.discover(service).catch(() => undefined);
  if (known === undefined || known.instances.length > 0) return callFailure(error);
  const { message } = await askRegistry(command, ({ registry }) =>
    unknownService(registry, service),
  );
  return { code: 'SERVICE_NOT_FOUND', message };
}

/**
 * Makes the call through the mesh, and prints the response.
 * @throws OrchestratorError if it fails
 */
export async function runCall(call: NamedCall, command: Command): Promise<void> {
  const { service, method, request, header, timeoutMs, json } = call;
  const metadata = new Metadata();
  for (const [name, value] of header) metadata.append(name, value);
  const mesh = createMesh({ registry: registryOf(globalOptions(command), call.registry) });
  try {
    printJson(await mesh.call(service, method, request, { metadata, timeoutMs }));
  } catch (error) {
    const failure = await failureOf(error, mesh, service, command);
    if (json) printJson({ error: failure });
    throw new OrchestratorError(callFailureText(failure));
  } finally {
    mesh.close();
  }
}
