import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMesh } from '@weft/client-sdk';
import { GetStatusResponse } from '@weft/proto/orchestrator';
import type { Command } from 'commander';
import pc from 'picocolors';
import { type DemoStep, runDemoSteps } from '../demo/demo-steps.ts';
import { demoTopology } from '../demo/demo-topology.ts';
import { OrchestratorError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { meshFolder } from '../mesh-folder.ts';
import { Orchestrator } from '../orchestrator.ts';
import { callFailure, callFailureText } from '../output/call-error.ts';
import { statusJson } from '../output/status-json.ts';
import { isColored, jsonText, print, printJson, printNews } from '../output/terminal.ts';
import { weftCommand } from '../output/weft-command.ts';
import { openOwnLog } from '../own-log.ts';
import { chooseStore } from '../store-choice.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { globalOptions } from './context.ts';
import { printStatus } from './status.ts';
import { stopOnSignals } from './stop-on-signals.ts';
import { storeNews } from './up.ts';

/** A payment takes its time, and a busy machine more. */
const CALL_DEADLINE_MS = 30_000;

const colors = pc.createColors(isColored);

function printStep({ title, service, method, request, response }: DemoStep, number: number): void {
  print(`\n${colors.bold(`${number}. ${title}`)}: ${service} ${method}`);
  print(colors.dim(`   request  ${JSON.stringify(request)}`));
  print(`   answer   ${jsonText(response).replaceAll('\n', '\n   ')}`);
}

async function runSteps(registry: string, onStep: (step: DemoStep, number: number) => void) {
  const mesh = createMesh({ registry, defaultDeadlineMs: CALL_DEADLINE_MS });
  const steps: DemoStep[] = [];
  try {
    const call = (service: string, method: string, request: JsonObject) =>
      mesh.call(service, method, request).catch((error: unknown) => {
        throw new OrchestratorError(`${service} ${method}: ${callFailureText(callFailure(error))}`);
      });
    for await (const step of runDemoSteps(call)) {
      steps.push(step);
      onStep(step, steps.length);
    }
  } finally {
    mesh.close();
  }
  return steps;
}

async function runDemo(file: string, asJson: boolean): Promise<void> {
  const topology = demoTopology(loadTopology(file));
  // An etcd that others use holds their instances: the demonstration takes one of its own.
  const env = { ...process.env, ETCD_ENDPOINTS: '' };
  const store = chooseStore(topology.registry.store, { env });
  const folder = meshFolder(mkdtempSync(join(tmpdir(), 'weft-demo-')));
  const orchestrator = new Orchestrator({
    topology,
    folder,
    store,
    log: openOwnLog(folder.ownLog),
    onNews: printNews,
  });
  const signals = stopOnSignals(orchestrator);
  try {
    printNews(storeNews(store));
    printNews(`starting the mesh of ${file} on free ports, its data in ${folder.path} ...`);
    if (!(await orchestrator.start())) throw new OrchestratorError('stopped');
    const { registryAddress } = orchestrator.supervisor;
    const steps = await runSteps(registryAddress, asJson ? () => {} : printStep);
    const status = GetStatusResponse.fromPartial({
      services: orchestrator.supervisor.status(),
      store: store.kind === 'memory' ? 'memory' : 'etcd',
      registryAddress,
      etcdEndpoints: orchestrator.supervisor.etcdEndpoints,
    });
    if (asJson) {
      printJson({ store: status.store, steps, status: statusJson(status) });
    } else {
      print('');
      printStatus(status, false);
    }
  } catch (error) {
    throw signals.isStopping() ? new OrchestratorError('the demonstration was interrupted') : error;
  } finally {
    await orchestrator.stop();
    signals.dispose();
    rmSync(folder.path, { recursive: true, force: true, maxRetries: 5 });
  }
  if (!asJson)
    print(`\nEverything is stopped again. \`${weftCommand('up')}\` runs the mesh to stay.`);
}

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('run the mesh on free ports, buy something, show what happened, stop')
    .option('--json', 'print one JSON document', false)
    .action(({ json }: { json: boolean }, command: Command) =>
      runDemo(globalOptions(command).file, json),
    );
}
