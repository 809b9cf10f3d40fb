import { resolve } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import type { LiveFacts } from '../architecture/live-facts.ts';
import { readLive } from '../architecture/read-live.ts';
import { verifyArchitecture } from '../architecture/verify-architecture.ts';
import { OrchestratorError } from '../errors.ts';
import { architectureJson } from '../output/architecture-json.ts';
import { architectureTables } from '../output/architecture-tables.ts';
import { rulesReport, ruleVerdicts } from '../output/rules-report.ts';
import { isColored, print, printJson, printNews } from '../output/terminal.ts';
import { weftCommand } from '../output/weft-command.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { parseArchitecture } from '../topology/parse-topology.ts';
import { runTrial } from '../trial/run-trial.ts';
import { type TrialStep, trialFindings } from '../trial/trial-step.ts';
import { folderOf, type GlobalOptions } from './context.ts';
import { onMeshApart } from './mesh-apart.ts';
import { addRegistryOption, findRegistry } from './registry-option.ts';

interface VerifyOptions extends GlobalOptions {
  readonly json: boolean;
  readonly live: boolean;
  readonly registry?: string;
}

/** What was looked at besides weft.yaml and the contracts. */
interface Looked {
  readonly live: LiveFacts | undefined;
  readonly steps: readonly TrialStep[] | undefined;
}

const colors = pc.createColors(process.stderr.isTTY === true && isColored);

function printStep({ isHeld, message }: TrialStep): void {
  printNews(`${isHeld ? colors.green('pass') : colors.red('FAIL')}  ${message}`);
}

/** The mesh that is up, if any. */
async function lookAtMesh(options: VerifyOptions): Promise<Looked> {
  const registry = findRegistry(options, options.registry);
  if (registry === undefined) {
    printNews(
      `no mesh is up here, so only weft.yaml and the contracts are looked at; \`${weftCommand('up')}\` starts one`,
    );
    return { live: undefined, steps: undefined };
  }
  printNews(`looking at the mesh of the registry at ${registry}`);
  return { live: await readLive(registry), steps: undefined };
}

/** A mesh of its own, to stop things in. */
function tryOut({ file }: VerifyOptions): Promise<Looked> {
  const topology = loadTopology(file);
  return onMeshApart({ topology, instances: 0, purpose: 'verify' }, (supervisor) =>
    runTrial(supervisor, topology.services, printStep),
  );
}

/** Instances that did not say what they offer: the rules could not be put to them. */
function newsOfUnasked({ live }: Looked): void {
  const unasked = live?.instances.filter(({ offers }) => offers === undefined) ?? [];
  if (unasked.length === 0) return;
  const names = unasked.map(({ id, address }) => `${id} at ${address}`);
  printNews(
    `what they offer could not be asked by reflection, and is taken as declared: ${names.join(', ')}`,
  );
}

async function verify(options: VerifyOptions): Promise<void> {
  const topology = loadTopology(options.file, parseArchitecture);
  const looked = options.live ? await tryOut(options) : await lookAtMesh(options);
  newsOfUnasked(looked);
  const { live, steps } = looked;
  const { architecture, findings: found } = verifyArchitecture(topology, folderOf(options), live);
  const findings = [...found, ...trialFindings(steps ?? [])];
  const verdicts = ruleVerdicts(findings, {
    isLive: live !== undefined,
    isTried: steps !== undefined,
  });
  if (options.json) {
    const file = resolve(options.file);
    printJson({
      file,
      architecture: architectureJson(architecture),
      rules: verdicts,
      findings,
      ...(steps && { trial: steps }),
    });
  } else {
    print(`${architectureTables(architecture, isColored)}\n`);
    print(rulesReport(verdicts, findings, isColored));
  }
  if (findings.length > 0) {
    const what = findings.length === 1 ? 'is 1 finding' : `are ${findings.length} findings`;
    throw new OrchestratorError(`there ${what}: ${options.file} is not as an architecture must be`);
  }
}

export function define(command: Command): void {
  addRegistryOption(command)
    .option(
      '--live',
      'start a mesh of its own and stop dependencies in it, to see who can do without',
      false,
    )
    .option('--json', 'print the architecture, the rules and the findings as JSON', false)
    .action((_options: object, command: Command) =>
      verify(command.optsWithGlobals<VerifyOptions>()),
    );
}
