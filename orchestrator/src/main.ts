#!/usr/bin/env node
import { runWeft } from './program.ts';

// Whoever reads us may stop reading, as `weft logs | head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runWeft(process.argv.slice(2));
