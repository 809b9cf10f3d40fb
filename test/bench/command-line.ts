import { parseArgs } from 'node:util';
import { benches } from './benches/index.ts';
import type { Bench, Effort } from './harness/bench.ts';

export interface CommandLine extends Effort {
  readonly chosen: readonly Bench[];
  /** File that the rows go to. */
  readonly json: string;
}

const usage = `npm run bench -- [name ...] [options]
  --rounds <n>   rounds in which every arm has its turn; default 7
  --quick        two rounds of little, to see that all works
  --minutes <n>  how long all is down in outage, and leases are renewed in scale; default some seconds
  --json <file>  where the rows go; default bench.json
  --profile      also write CPU profiles to .cache/bench, and print the functions that took most

benches:
${benches.map(({ name, about }) => `  ${name.padEnd(14)} ${about}`).join('\n')}`;

function mistake(text: string): never {
  // Last, where one looks.
  console.error(`${usage}\n\n${text}`);
  process.exit(2);
}

/** Reads the command line; a mistake ends the process with code 2. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { values, positionals } = (() => {
    try {
      return parseArgs({
        args: [...argv],
        allowPositionals: true,
        options: {
          rounds: { type: 'string' },
          minutes: { type: 'string' },
          quick: { type: 'boolean', default: false },
          json: { type: 'string', default: 'bench.json' },
          profile: { type: 'boolean', default: false },
          help: { type: 'boolean', default: false },
        },
      });
    } catch (error) {
      return mistake(error instanceof Error ? error.message : String(error));
    }
  })();
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 7));
  if (!Number.isInteger(rounds) || rounds < 1) mistake('--rounds must be a whole number from 1');
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (minutes !== undefined && !(minutes > 0 && minutes <= 60)) {
    mistake('--minutes must be a number above 0, at most 60');
  }
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) mistake(`no such bench: ${unknown.join(', ')}`);
  const chosen = benches.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );
  const profileFolder = values.profile ? '.cache/bench' : undefined;
  const { json, quick: isQuick } = values;
  return { chosen, json, rounds, isQuick, minutes, profileFolder };
}
