import { messageFromJson, messageOf, messageToJson } from '@weft/proto';
import { Instance } from '@weft/proto/registry';
import { OrchestratorError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';

const FORMAT = 'weft.registry.v1';
const INSTANCE = 'weft.registry.v1.Instance';

/** Everything a registry lists, at one revision. */
export interface Dump {
  readonly revision: bigint;
  /** Whether the registry could not be sure that it was up to date. */
  readonly isStale: boolean;
  readonly instances: readonly Instance[];
}

/** A dump as a person can read it, and `parseDump`: instances are protobuf's JSON of the contract. */
export function dumpJson({ revision, isStale, instances }: Dump, now: Date): JsonObject {
  return {
    format: FORMAT,
    exportedAt: now.toISOString(),
    revision: `${revision}`,
    stale: isStale,
    instances: instances.map((instance) => messageToJson(INSTANCE, Instance, instance)),
  };
}

function parseInstance(json: unknown, index: number, source: string): Instance {
  try {
    return messageFromJson(INSTANCE, Instance, json as JsonObject);
  } catch (error) {
    throw new OrchestratorError(`${source}: instances[${index}]: ${messageOf(error)}`);
  }
}

/**
 * Reads the instances of a dump.
 * @param source where it comes from, for messages
 * @throws OrchestratorError saying what in it is no dump
 */
export function parseDump(text: string, source: string): Instance[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new OrchestratorError(`${source} is not JSON: ${messageOf(error)}`);
  }
  if (!isJsonObject(json) || json.format !== FORMAT || !Array.isArray(json.instances)) {
    throw new OrchestratorError(
      `${source} is no export of a registry: it needs "format": "${FORMAT}" and "instances": [...]`,
    );
  }
  return json.instances.map((instance, index) => parseInstance(instance, index, source));
}
