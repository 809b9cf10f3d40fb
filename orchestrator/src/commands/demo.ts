import { createMesh } from '@weft/client-sdk';
import { GetStatusResponse } from '@weft/proto/orchestrator';
import type { Command } from 'commander';
import pc from 'picocolors';
import { type DemoStep, runDemoSteps } from '../demo/demo-steps.ts';
import { OrchestratorError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import { callFailure, callFailureText } from '../output/call-error.ts';
import { statusJson } from '../output/status-json.ts';
import { isColored, jsonText, print, printJson } from '../output/terminal.ts';
import { weftCommand } from '../output/weft-command.ts';
import { loadTopology } from '../topology/load-topology.ts';
import { globalOptions } from './context.ts';
import { onMeshApart } from './mesh-apart.ts';
import { printStatus } from './status.ts';

/** A payment takes its time, and a busy machine more. */
const CALL_DEADLINE_MS = 30_000;
/** Of each service. */
const INSTANCES = 2;

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
  const apart = { topology: loadTopology(file), instances: INSTANCES, purpose: 'demo' };
  await onMeshApart(apart, async (supervisor, store) => {
    const { registryAddress, etcdEndpoints } = supervisor;
    const steps = await runSteps(registryAddress, asJson ? () => {} : printStep);
    const status = GetStatusResponse.fromPartial({
      services: supervisor.status(),
      store: store.kind === 'memory' ? 'memory' : 'etcd',
      registryAddress,
      etcdEndpoints,
    });
    if (asJson) {
      printJson({ store: status.store, steps, status: statusJson(status) });
    } else {
      print('');
      printStatus(status, false);
    }
  });
  if (!asJson)
    print(`\nEverything is stopped again. \`${weftCommand('up')}\` runs the mesh to stay.`);
}

export function define(command: Command): void {
  command
    .option('--json', 'print one JSON document', false)
    .action(({ json }: { json: boolean }, command: Command) =>
      runDemo(globalOptions(command).file, json),
    );
}
