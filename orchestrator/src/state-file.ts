import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makePrivateFolder } from './private-files.ts';
import type { ProcessIdentity } from './process/process-identity.ts';

/** A process that we started. */
export interface StartedProcess extends ProcessIdentity {
  /** Its slot. */
  readonly name: string;
  /** Of what it was started with; see `specificationOf`. */
  readonly specification: string;
  /** Id it registers under; empty for one that does not. */
  readonly instanceId: string;
  /** Port that it was given; undefined where that is known otherwise. */
  readonly port?: number | undefined;
  /** When it was started, in Unix milliseconds. */
  readonly startTimeMs: number;
}

/** What `weft up` leaves on disk for the other commands, and for the next `weft up` after a crash. */
export interface MeshState {
  /** The orchestrator. */
  readonly orchestrator: ProcessIdentity;
  /** Where OrchestratorService answers, `host:port`. */
  readonly control: string;
  /** The secret that callers of OrchestratorService must send; undefined if an earlier version wrote the state. */
  readonly secret?: string | undefined;
  /** Where RegistryService answers, `host:port`. */
  readonly registry: string;
  /** Where the web page of the registry is, `host:port`. */
  readonly page: string;
  /** Where etcd answers; empty on the memory store. */
  readonly etcd: string;
  /** Everything running, in the order it was started. */
  readonly processes: readonly StartedProcess[];
}

/** Reads the state; undefined when there is none that can be read. */
export function readState(file: string): MeshState | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as MeshState;
  } catch {
    return undefined;
  }
}

/** Writes the state in one step: a reader sees the old one or the new one, whole. */
export function writeState(file: string, state: MeshState): void {
  makePrivateFolder(dirname(file));
  const draft = `${file}.${process.pid}.new`;
  try {
    writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

export function removeState(file: string): void {
  rmSync(file, { force: true });
}
