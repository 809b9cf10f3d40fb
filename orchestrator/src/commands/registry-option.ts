import type { Command } from 'commander';
import { runningRegistry } from '../control/live-state.ts';
import { OrchestratorError } from '../errors.ts';
import { weftCommand } from '../output/weft-command.ts';
import { folderOf, type GlobalOptions } from './context.ts';

/** Lets a command be told which registry it asks; `registryOf` then says which. */
export function addRegistryOption(command: Command): Command {
  return command.option(
    '--registry <address>',
    'registry to ask (default: $WEFT_REGISTRY, else the mesh that is up here)',
  );
}

/** The options of every command that looks into the mesh through its registry. */
export function addLookOptions(command: Command, json = 'print JSON'): Command {
  return addRegistryOption(command).option('--json', json, false);
}

/** The registry to ask; undefined when none is named and no mesh is up. */
export function findRegistry(
  options: GlobalOptions,
  named: string | undefined,
): string | undefined {
  return named || process.env.WEFT_REGISTRY || runningRegistry(folderOf(options)) || undefined;
}

/** The registry to ask. @throws OrchestratorError when none is named and no mesh is up */
export function registryOf(options: GlobalOptions, named: string | undefined): string {
  const registry = findRegistry(options, named);
  if (registry === undefined) {
    throw new OrchestratorError(
      `no registry to ask: start a mesh with \`${weftCommand('up')}\`, or name one with --registry or $WEFT_REGISTRY.`,
    );
  }
  return registry;
}
