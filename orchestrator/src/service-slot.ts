import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type MeshPolicies, POLICIES_VARIABLE } from '@weft/client-sdk';
import type { Leftovers } from './leftovers.ts';
import type { MeshFolder } from './mesh-folder.ts';
import { type Program, startChild } from './process/child.ts';
import type { RegistryView } from './registry-view.ts';
import { instanceProbe } from './slot/probes.ts';
import { Slot, type SlotOptions } from './slot/slot.ts';
import { specificationOf } from './specification.ts';
import type { ServiceSpec } from './topology/topology.ts';

export interface ServiceSlotOptions extends Pick<SlotOptions, 'onChange' | 'onEnd'> {
  readonly spec: ServiceSpec;
  /** Of the slot, 1 and up. */
  readonly number: number;
  readonly host: string;
  /** Folder that commands run in. */
  readonly workFolder: string;
  readonly folder: MeshFolder;
  readonly registryAddress: string;
  /** How it calls other services; undefined leaves it to its code. */
  readonly calls: MeshPolicies | undefined;
  readonly view: RegistryView;
  /** What may be taken over. */
  readonly left: Leftovers;
}

/** An id no start of any slot has had; a DNS label like every instance id. */
function newInstanceId(service: string, number: number): string {
  return `${service.slice(0, 48)}-${number}-${randomBytes(4).toString('hex')}`;
}

/** A slot for one instance of a service: told all it needs by its environment. */
export function createServiceSlot(options: ServiceSlotOptions): Slot {
  const { spec, number, folder, view, left, onChange, onEnd } = options;
  const name = `${spec.name}-${number}`;
  const logFile = folder.log(name);
  const dataFolder = folder.data(spec.name);
  mkdirSync(dataFolder, { recursive: true });
  const program: Program = {
    command: spec.command,
    folder: options.workFolder,
    environment: {
      ...spec.environment,
      WEFT_REGISTRY: options.registryAddress,
      WEFT_HOST: options.host,
      WEFT_PORT: String(spec.port === 0 ? 0 : spec.port + number - 1),
      WEFT_DATA_DIR: dataFolder,
      // Our own is not handed on: weft.yaml is the one place that says how calls are made.
      [POLICIES_VARIABLE]: options.calls && JSON.stringify(options.calls),
    },
  };
  const specification = specificationOf(program);
  return new Slot({
    name,
    specification,
    logFile,
    health: spec.health,
    stopTimeoutMs: spec.stopTimeoutMs,
    onChange,
    onEnd,
    launch() {
      const freshId = newInstanceId(spec.name, number);
      const restGraceMs = spec.stopTimeoutMs;
      const start = () => {
        const environment = {
          ...program.environment,
          WEFT_INSTANCE_ID: freshId,
          WEFT_SLOT: name,
        };
        return startChild({ ...program, environment, logFile, restGraceMs });
      };
      const run = left.takeOrStart({ name, specification }, start, restGraceMs);
      const instanceId = run.adopted?.instanceId ?? freshId;
      const probe = instanceProbe(view, instanceId, spec.health.service);
      return { ...run, probe, instanceId };
    },
  });
}
