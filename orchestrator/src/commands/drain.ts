import { type Instance, InstanceStatus } from '@weft/proto/registry';
import type { Command } from 'commander';
import { ClientError, Status } from 'nice-grpc';
import { OrchestratorError } from '../errors.ts';
import { chosenInstances, drainTargets } from '../mesh-view/drain-targets.ts';
import { readInstancesOf } from '../mesh-view/read-catalog.ts';
import { durationText } from '../output/duration.ts';
import { examplesText } from '../output/examples.ts';
import { statusName } from '../output/instances-table.ts';
import { ProgressLine } from '../output/progress-line.ts';
import { print, printJson, printNews } from '../output/terminal.ts';
import { weftCommand } from '../output/weft-command.ts';
import { askRegistry, type RegistryAccess } from './ask-registry.ts';
import { type DrainState, holdersText, waitForDrain } from './drain-wait.ts';
import { parseSeconds } from './parse-seconds.ts';
import { addLookOptions } from './registry-option.ts';

interface Changed {
  readonly ids: readonly string[];
  /** The last revision by which one of them takes no calls. */
  readonly revision: bigint;
}

/** Sets the status of instances; whoever has gone or was replaced meanwhile is left out. */
async function setStatus(
  { registry }: RegistryAccess,
  instances: readonly Instance[],
  status: InstanceStatus,
): Promise<Changed> {
  const ids: string[] = [];
  let last = 0n;
  for (const { service, id, leaseId } of instances) {
    try {
      const { revision } = await registry.updateInstance({ service, id, leaseId, status });
      ids.push(id);
      if (revision > last) last = revision;
    } catch (error) {
      const code = error instanceof ClientError ? error.code : undefined;
      if (code !== Status.NOT_FOUND && code !== Status.ABORTED) throw error;
      printNews(`${service}/${id} has left, or was replaced, meanwhile`);
    }
  }
  return { ids, revision: last };
}

async function drain(access: RegistryAccess, service: string, meant: readonly Instance[]) {
  const { change, done, other } = drainTargets(meant, false);
  for (const each of other) {
    printNews(`${service}/${each.id} takes no calls: it is ${statusName(each)}; it is left so`);
  }
  if (change.length + done.length === 0) return undefined;
  const changed = await setStatus(access, change, InstanceStatus.INSTANCE_STATUS_STOPPING);
  const revisions = [changed.revision, ...done.map(({ modRevision }) => modRevision)];
  const revision = revisions.reduce((most, each) => (each > most ? each : most));
  return { ids: [...changed.ids, ...done.map(({ id }) => id)], revision };
}

interface DrainOptions {
  readonly json: boolean;
  readonly timeout: number;
}

/** How often it is told who holds a drain up. */
const PROGRESS_MS = 400;

async function drainAndWait(
  access: RegistryAccess,
  service: string,
  meant: readonly Instance[],
  { json, timeout }: DrainOptions,
): Promise<void> {
  const drained = await drain(access, service, meant);
  if (drained === undefined || drained.revision === 0n) {
    throw new OrchestratorError(`${service}: there was no instance to drain that takes calls`);
  }
  const { ids, revision } = drained;
  const begunAt = performance.now();
  const progress = new ProgressLine();
  let latest: DrainState | undefined;
  const onState = (state: DrainState) => {
    latest = state;
  };
  // What takes no time needs no words.
  const timer = setInterval(() => {
    progress.show(`waiting for ${latest === undefined ? 'the registry' : holdersText(latest)}`);
  }, PROGRESS_MS);
  const request = { service, revision };
  const state = await waitForDrain(access, request, timeout * 1000, onState).finally(() => {
    clearInterval(timer);
    progress.clear();
  });
  const waitedMs = Math.round(performance.now() - begunAt);
  const isDrained = state?.holderCount === 0;
  const holders = state?.holders.map(({ client }) => client) ?? [];
  if (json) printJson({ service, instances: ids, drained: isDrained, holders, waitedMs });
  if (!isDrained) {
    const why = state === undefined ? 'the registry does not tell who' : holdersText(state);
    throw new OrchestratorError(
      `${service}: after ${durationText(timeout * 1000)} calls may still be routed to ${ids.join(', ')} (${why}). ` +
        `They stay STOPPING: run this again to go on waiting, or take it back with \`${weftCommand(`drain ${service} --undo`)}\`.`,
    );
  }
  for (const id of json ? [] : ids) print(`drained ${service}/${id}: no client calls it any more`);
}

async function undo(
  access: RegistryAccess,
  service: string,
  meant: readonly Instance[],
  json: boolean,
): Promise<void> {
  const { change, done } = drainTargets(meant, true);
  if (change.length === 0) {
    const ids = done.map(({ id }) => id).join(', ') || 'none';
    throw new OrchestratorError(`${service}: no instance is STOPPING (RUNNING: ${ids})`);
  }
  const { ids } = await setStatus(access, change, InstanceStatus.INSTANCE_STATUS_RUNNING);
  if (json) printJson({ service, instances: ids, drained: false });
  for (const id of json ? [] : ids) print(`${service}/${id} takes calls again`);
}

export function define(command: Command): void {
  addLookOptions(command)
    .argument('<service>', 'such as user-service')
    .argument('[instance]', 'its id, or the beginning of it; all when left out')
    .option('--undo', 'let it take calls again', false)
    .option('--timeout <seconds>', 'how long to wait at most', parseSeconds, 30)
    .addHelpText(
      'after',
      `
Sets it STOPPING in the registry, as an instance that leaves does itself: clients say when they have
followed that, and its weight stays as it is. The process goes on, and finishes the calls it has. An instance
that registers anew (it was restarted, or lost its lease) is RUNNING again. --undo is for those that were
drained so, not for those that are stopping: they leave all the same.
${examplesText([
  ['drain user-service user-service-1', 'one instance'],
  ['drain user-service', 'all of them: no call is answered'],
  ['drain user-service --undo', ''],
])}`,
    )
    .action(
      async (
        service: string,
        instance: string | undefined,
        options: DrainOptions & { readonly undo: boolean },
        command: Command,
      ) => {
        await askRegistry(command, async (access) => {
          const { items } = await readInstancesOf(access.registry, service);
          const meant = chosenInstances(service, items, instance);
          if (options.undo) await undo(access, service, meant, options.json);
          else await drainAndWait(access, service, meant, options);
        });
      },
    );
}
