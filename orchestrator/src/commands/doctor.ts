import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { fail, pass, type Surroundings, skip, warn } from '../doctor/check.ts';
import { examine, type Finding } from '../doctor/examine.ts';
import { OrchestratorError } from '../errors.ts';
import { doctorReport } from '../output/doctor-report.ts';
import { examplesText } from '../output/examples.ts';
import { ProgressLine } from '../output/progress-line.ts';
import { isColored, print, printJson } from '../output/terminal.ts';
import { readState } from '../state-file.ts';
import { chooseStore } from '../store-choice.ts';
import { endAbandonedMeshes } from '../temporary-meshes.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { findOne, openRegistry, type RegistryAccess } from './ask-registry.ts';
import { folderOf, type GlobalOptions } from './context.ts';
import { addLookOptions, findRegistry } from './registry-option.ts';

interface DoctorOptions extends GlobalOptions {
  readonly json: boolean;
  readonly registry?: string;
}

/** What can be told of weft.yaml and of the store that it asks for; and what is wrong with them. */
function readFiles({ file, registry }: DoctorOptions) {
  const findings: Finding[] = [];
  // Whoever asks about a mesh elsewhere need not have one here.
  if (registry !== undefined && !existsSync(file)) {
    findings.push({ check: 'weft.yaml', ...skip(`there is no ${file} here`) });
    return { topology: undefined, store: undefined, findings };
  }
  const attempt = <Read>(read: () => Read): Read | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof OrchestratorError)) throw error;
      for (const line of error.message.split('\n')) {
        const wrong = fail(line, 'mend that first: nothing can be started with it');
        findings.push({ check: 'weft.yaml', ...wrong });
      }
      return undefined;
    }
  };
  const topology = attempt(() => loadTopology(file));
  const store = topology && attempt(() => chooseStore(topology.registry.store));
  if (findings.length === 0) findings.push({ check: 'weft.yaml', ...pass(`${file} can be used`) });
  return { topology, store, findings };
}

/** Ends what killed runs of `weft demo` and `weft verify --live` left running: nobody else would. */
async function endTemporaryMeshes(): Promise<Finding> {
  const ended = await endAbandonedMeshes();
  const check = 'temporary meshes';
  if (ended.length === 0) return { check, ...pass('no killed weft left one running') };
  const text = `a killed weft had left running: ${ended.join(', ')}`;
  return { check, ...warn(text, 'nothing: they are ended now, and their data is removed') };
}

async function diagnose(
  options: DoctorOptions,
  registry: RegistryAccess | undefined,
): Promise<Finding[]> {
  const { topology, store, findings } = readFiles(options);
  const folder = folderOf(options);
  const state = readState(folder.stateFile);
  const surroundings: Surroundings = {
    ...{ topology, store, folder, state, registry },
    env: process.env,
  };
  return [...findings, await endTemporaryMeshes(), ...(await examine(surroundings))];
}

export function define(command: Command): void {
  addLookOptions(command)
    .addHelpText(
      'after',
      `
Looks at weft.yaml, programs, ports, what a killed weft up left (of a weft demo, it ends that), etcd, the registry (whether it serves, its
version, its clock), instances, proxies and the disk. Exit code 1 when something is wrong.
${examplesText([
  ['doctor', ''],
  ['doctor --registry 10.0.0.21:7400 --json', 'of a mesh elsewhere'],
])}`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DoctorOptions>();
      const progress = new ProgressLine();
      progress.show('looking');
      const named = findRegistry(options, options.registry);
      const opened = named === undefined ? undefined : openRegistry(named);
      let findings: Finding[];
      try {
        // When none answers, the check of the registry says so.
        if (opened !== undefined) await findOne(opened.access, opened.count).catch(() => {});
        findings = await diagnose(options, opened?.access);
      } finally {
        opened?.close();
        progress.clear();
      }
      if (options.json) printJson({ findings });
      else print(doctorReport(findings, isColored));
      if (findings.some(({ kind }) => kind === 'fail')) {
        throw new OrchestratorError('something is wrong; what to do stands above');
      }
    });
}
