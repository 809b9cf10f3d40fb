#!/usr/bin/env node
import { runWeft } from './program.ts';

// Whoever reads us may stop reading, as `weft logs | head` does. A mesh that is up stays up then.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

process.exitCode = await runWeft(process.argv.slice(2));
