import { readCommandLine } from './command-line.ts';
import { runBenches } from './run-benches.ts';

process.exit(await runBenches(readCommandLine(process.argv.slice(2))));
