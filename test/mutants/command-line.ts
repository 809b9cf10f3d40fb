import { parseArgs } from 'node:util';

export interface CommandLine {
  readonly seed: number;
  /** How many mutants. */
  readonly count: number;
  /** Folder or file whose sources are mutated, from the root; empty for all. */
  readonly only: string;
  /** Most test files of each kind that are run for one mutant. */
  readonly mostTests: number;
  /** Whether integration tests are left out. */
  readonly isUnitOnly: boolean;
}

const usage = `npm run test:mutants -- [options]
  --seed <n>         which mutants; default a random one, which the report is named after
  --count <n>        how many mutants; default 60
  --only <path>      sources below this folder, such as registry/src/store, or one file
  --most-tests <n>   test files of each kind for one mutant, the nearest ones; default 12
  --unit             only unit and contract tests`;

/** Reads the command line. `--help` prints the usage and ends the process; a mistake ends it with code 2. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        seed: { type: 'string', default: `${Math.floor(Math.random() * 1e6)}` },
        count: { type: 'string', default: '60' },
        only: { type: 'string', default: '' },
        'most-tests': { type: 'string', default: '12' },
        unit: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const whole = (name: string, text: string) => {
      if (/^\d{1,9}$/.test(text)) return Number(text);
      throw new Error(`--${name} must be a whole number, not '${text}'`);
    };
    return {
      seed: whole('seed', values.seed),
      count: whole('count', values.count),
      only: values.only.replace(/^\.\//, ''),
      mostTests: whole('most-tests', values['most-tests']),
      isUnitOnly: values.unit,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    process.exit(2);
  }
}
