import { randomBytes } from 'node:crypto';
import { type Mesh, type MeshPolicies, POLICIES_VARIABLE } from '@weft/client-sdk';
import type { Leftovers, Run } from './leftovers.ts';
import type { MeshFolder } from './mesh-folder.ts';
import { makePrivateFolder } from './private-files.ts';
import { type Program, startChild } from './process/child.ts';
import { freePort } from './process/ports.ts';
import { createHealthCheck } from './registered/health-check.ts';
import { RegisteredProgram } from './registered/registered-program.ts';
import { programFor, registrationOptions } from './registered/registration-options.ts';
import type { RegistryView } from './registry-view.ts';
import { instanceProbe } from './slot/probes.ts';
import { type Launched, Slot, type SlotOptions } from './slot/slot.ts';
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
  /** Registers the programs that do not register themselves. */
  readonly mesh: () => Mesh;
  /** What may be taken over. */
  readonly left: Leftovers;
}

/** An id no start of any slot has had; a DNS label like every instance id. */
function newInstanceId(service: string, number: number): string {
  return `${service.slice(0, 48)}-${number}-${randomBytes(4).toString('hex')}`;
}

/** A slot for one instance of a service: told all it needs by its environment. */
export function createServiceSlot(options: ServiceSlotOptions): Slot {
  const { spec, number, folder, onChange, onEnd } = options;
  const name = `${spec.name}-${number}`;
  const dataFolder = folder.data(spec.name);
  makePrivateFolder(dataFolder);
  const port = spec.port === 0 ? 0 : spec.port + number - 1;
  const program: Program = {
    command: spec.command,
    folder: options.workFolder,
    environment: {
      ...spec.environment,
      WEFT_REGISTRY: options.registryAddress,
      WEFT_HOST: options.host,
      WEFT_PORT: String(port),
      WEFT_DATA_DIR: dataFolder,
      // Our own is not handed on: weft.yaml is the one place that says how calls are made.
      [POLICIES_VARIABLE]: options.calls && JSON.stringify(options.calls),
    },
  };
  const launcher = { name, program, port, specification: specificationOf(program) };
  return new Slot({
    name,
    specification: launcher.specification,
    logFile: folder.log(name),
    health: spec.health,
    stopTimeoutMs: spec.stopTimeoutMs,
    onChange,
    onEnd,
    launch: () =>
      spec.register ? launchRegistered(launcher, options) : launchService(launcher, options),
  });
}

/** What each run of a slot's program has in common. */
interface Launcher {
  /** Of the slot. */
  readonly name: string;
  readonly program: Program;
  readonly specification: string;
  /** That weft.yaml gives it; 0 for any free one. */
  readonly port: number;
}

/** Takes the program over if it still runs, else starts it. */
function takeOrStart(
  { name, specification }: Launcher,
  { spec, left, folder, number }: ServiceSlotOptions,
  program: Program,
): Run & { instanceId: string } {
  const restGraceMs = spec.stopTimeoutMs;
  const freshId = newInstanceId(spec.name, number);
  const start = () => {
    const environment = { ...program.environment, WEFT_INSTANCE_ID: freshId, WEFT_SLOT: name };
    return startChild({ ...program, environment, logFile: folder.log(name), restGraceMs });
  };
  const run = left.takeOrStart({ name, specification }, start, restGraceMs);
  return { ...run, instanceId: run.adopted?.instanceId ?? freshId };
}

/** Runs a program that registers itself, as the SDK does. */
function launchService(launcher: Launcher, options: ServiceSlotOptions): Launched {
  const run = takeOrStart(launcher, options, launcher.program);
  const probe = instanceProbe(options.view, run.instanceId, options.spec.health.service);
  return { ...run, probe };
}

/** Runs a program that does not register itself. */
async function launchRegistered(
  launcher: Launcher,
  options: ServiceSlotOptions,
): Promise<Launched> {
  const { spec, host, view, mesh } = options;
  const { name, program } = launcher;
  const freshPort = launcher.port === 0 ? await freePort(host) : launcher.port;
  const run = takeOrStart(launcher, options, programFor(program, freshPort));
  const { instanceId, adopted } = run;
  const port = adopted?.port ?? freshPort;
  const address = { host, port };
  const registered = new RegisteredProgram({
    process: run.process,
    address,
    check: createHealthCheck(spec.health, address),
    isRegistryAway: () => !view.isCurrent,
    register: () =>
      mesh().register({
        ...registrationOptions(spec.health.type, address),
        name: spec.name,
        id: instanceId,
        slot: name,
        dependencies: spec.dependencies,
      }),
  });
  return { ...run, process: registered, probe: registered, port };
}
