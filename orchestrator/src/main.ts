#!/usr/bin/env node
import { nodeFault } from '@weft/proto/node-fault';

const fault = nodeFault(process.version);
if (fault !== undefined) {
  console.error(fault);
  process.exit(1);
}

// Only now: an old Node cannot even load what these import.
const { keepCompiledCode } = await import('./compile-cache.ts');
keepCompiledCode();
const { EXIT, runWeft } = await import('./program.ts');
const { areLinesWritten } = await import('./output/line-writer.ts');

/** How long the last lines may take to be read, if lines may be lost. */
const LAST_LINES_MS = 1000;

// What we print may reach no one: whoever reads stops reading, as `weft logs | head` does (EPIPE), the
// terminal is closed (EIO), the disk is full. No mesh that is up may die of it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') process.exitCode ||= EXIT.failed;
  });
}

const code = await runWeft(process.argv.slice(2));
process.exitCode ||= code;
// Whoever holds the terminal must not hold a program that has nothing else to do.
if (!(await areLinesWritten(LAST_LINES_MS))) process.exit();
