import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '@weft/proto';
import type { Command } from 'commander';
import { OrchestratorError } from '../errors.ts';
import { print, printJson, printNews } from '../output/terminal.ts';
import { dumpJson, parseDump } from '../registry-dump/dump.ts';
import { readDump } from '../registry-dump/read-dump.ts';
import { writeDump } from '../registry-dump/write-dump.ts';
import { askRegistry } from './ask-registry.ts';
import { addRegistryOption } from './registry-option.ts';
import { STALE } from './services.ts';

interface DumpOptions {
  readonly json: boolean;
}

async function exportAll(file: string | undefined, options: DumpOptions, command: Command) {
  const dump = await askRegistry(command, ({ registry }) => readDump(registry));
  if (dump.isStale) printNews(STALE);
  const document = dumpJson(dump, new Date());
  if (file === undefined) return printJson(document);
  try {
    writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  } catch (error) {
    throw new OrchestratorError(`cannot write ${file}: ${messageOf(error)}`);
  }
  const { revision } = dump;
  const count = dump.instances.length;
  if (options.json) printJson({ file, revision, instances: count });
  else print(`exported ${count} instances at revision ${revision} to ${file}`);
}

function readText(file: string | undefined): string {
  try {
    return readFileSync(file ?? 0, 'utf8');
  } catch (error) {
    throw new OrchestratorError(`cannot read ${file ?? 'standard input'}: ${messageOf(error)}`);
  }
}

interface ImportOptions extends DumpOptions {
  readonly replace: boolean;
}

async function importAll(file: string | undefined, options: ImportOptions, command: Command) {
  const instances = parseDump(readText(file), file ?? 'standard input');
  const outcome = await askRegistry(command, async ({ registry }) => {
    const listed = options.replace ? [] : (await readDump(registry)).instances;
    return writeDump(registry, instances, listed);
  });
  const { imported, kept, refused } = outcome;
  if (options.json) {
    printJson(outcome);
  } else {
    print(`imported ${imported.length} of ${instances.length} instances`);
    if (kept.length > 0) {
      print(`left ${kept.length} as they are, which are listed already; --replace overwrites them`);
    }
    for (const { service, id, code, message } of refused) {
      print(`refused ${service}/${id}: ${code}: ${message}`);
    }
  }
  if (refused.length > 0) {
    throw new OrchestratorError(`${refused.length} of ${instances.length} instances were refused`);
  }
}

export function define(command: Command): void {
  addRegistryOption(command.command('export'))
    .description('write every instance as JSON, all at one revision')
    .argument('[file]', 'where to write it (default: standard output)')
    .option('--json', 'say as JSON what was written to the file', false)
    .action(exportAll);
  addRegistryOption(command.command('import'))
    .description(
      'register what export wrote and is not listed; each lives on if its owner does, else for its TTL',
    )
    .argument('[file]', 'where to read it (default: standard input)')
    .option('--replace', 'overwrite what is listed already, too', false)
    .option('--json', 'print what was imported, left and refused as JSON', false)
    .action(importAll);
}
