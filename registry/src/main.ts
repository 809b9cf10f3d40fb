#!/usr/bin/env node
import { nodeFault } from '@weft/proto/node-fault';

const fault = nodeFault(process.version);
if (fault !== undefined) {
  console.error(fault);
  process.exit(1);
}
// Only now: an old Node cannot even load what this imports.
await import('./run.ts');
