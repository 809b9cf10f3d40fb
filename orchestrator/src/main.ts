#!/usr/bin/env node
import { keepCompiledCode } from './compile-cache.ts';

keepCompiledCode();
const { EXIT, runWeft } = await import('./program.ts');

// What we print may reach no one: whoever reads stops reading, as `weft logs | head` does (EPIPE), the
// terminal is closed (EIO), the disk is full. No mesh that is up may die of it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') process.exitCode ||= EXIT.failed;
  });
}

const code = await runWeft(process.argv.slice(2));
process.exitCode ||= code;
