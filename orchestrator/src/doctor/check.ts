import type { RegistryAccess } from '../commands/ask-registry.ts';
import type { MeshFolder } from '../mesh-folder.ts';
import type { MeshState } from '../state-file.ts';
import type { ChosenStore } from '../store-choice.ts';
import type { Topology } from '../topology/topology.ts';

/** One thing that a check found. */
export interface Diagnosis {
  /** `skip`: it could not be looked at, or there is nothing to look at. */
  readonly kind: 'pass' | 'warn' | 'fail' | 'skip';
  /** What is so. */
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** What the checks look at. Nothing of it is ever changed. */
export interface Surroundings {
  /** Undefined where weft.yaml cannot be used. */
  readonly topology: Topology | undefined;
  readonly folder: MeshFolder;
  /** What `weft up` wrote of the mesh here, be it that it is gone. */
  readonly state: MeshState | undefined;
  /** Where the instances are to be kept; undefined where that cannot be told. */
  readonly store: ChosenStore | undefined;
  /** The registry to ask; undefined when none is named and no mesh is up. */
  readonly registry: RegistryAccess | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** One kind of fault to look for. */
export interface Check {
  readonly name: string;
  /** Looks; bounded in time by itself. What it throws is told as a failure. */
  look(surroundings: Surroundings): Promise<readonly Diagnosis[]>;
}

export const pass = (text: string): Diagnosis => ({ kind: 'pass', text });
export const skip = (text: string): Diagnosis => ({ kind: 'skip', text });
export const warn = (text: string, advice: string): Diagnosis => ({ kind: 'warn', text, advice });
export const fail = (text: string, advice: string): Diagnosis => ({ kind: 'fail', text, advice });
