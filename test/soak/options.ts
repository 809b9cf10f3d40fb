import { parseArgs } from 'node:util';
import { registryCommand, type SoakOptions } from './soak.ts';

export interface CommandLine extends SoakOptions {
  readonly seed: number;
  /** File that the report goes to; undefined for none. */
  readonly json: string | undefined;
  /** File that the history goes to; undefined for one only where something was found. */
  readonly historyFile: string | undefined;
}

const usage = `npm run soak -- [options]
  --minutes <n>      how long; default 10
  --seed <n>         what happens when; default a random one, which is told
  --replicas <n>     replicas of the registry; default 3
  --registrars <n>   instances that come and go; default 16
  --watchers <n>     watchers; default 8
  --fault-every <s>  seconds from one fault to the next, on average; 0 for none; default 3
  --registry <file>  another program than registry/src/main.ts, with its arguments, such as
                     'test/fixtures/broken-registry.ts lossy'
  --history <file>   where the history goes; default .cache/soak/seed-<n>.jsonl, on a finding only
  --json <file>      where the report goes`;

/** Reads the command line; a mistake ends the process with code 2. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { values } = (() => {
    try {
      return parseArgs({
        args: [...argv],
        options: {
          minutes: { type: 'string', default: '10' },
          seed: { type: 'string', default: `${Math.floor(Math.random() * 1e6)}` },
          replicas: { type: 'string', default: '3' },
          registrars: { type: 'string', default: '16' },
          watchers: { type: 'string', default: '8' },
          'fault-every': { type: 'string', default: '3' },
          registry: { type: 'string' },
          history: { type: 'string' },
          json: { type: 'string' },
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
  const number = (name: string, text: string, least: number) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least) return value;
    return mistake(`--${name} must be a number from ${least}, not '${text}'`);
  };
  const whole = (name: string, text: string, least: number) => {
    const value = number(name, text, least);
    return Number.isInteger(value) ? value : mistake(`--${name} must be whole, not ${text}`);
  };
  const replicas = whole('replicas', values.replicas, 1);
  return {
    durationMs: number('minutes', values.minutes, 0.05) * 60_000,
    seed: whole('seed', values.seed, 0),
    commands: Array.from({ length: replicas }, () => registryCommand(values.registry?.split(' '))),
    registrars: whole('registrars', values.registrars, 1),
    watchers: whole('watchers', values.watchers, 1),
    faultEveryMs: number('fault-every', values['fault-every'], 0) * 1000,
    historyFile: values.history,
    json: values.json,
  };
}

function mistake(text: string): never {
  // Last, where one looks.
  console.error(`${usage}\n\n${text}`);
  process.exit(2);
}
