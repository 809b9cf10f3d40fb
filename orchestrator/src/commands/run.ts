import { randomBytes } from 'node:crypto';
import { SERVICE_NAME } from '@weft/proto';
import { type Command, InvalidArgumentError } from 'commander';
import { neverWaitForReaders, printNews } from '../output/terminal.ts';
import { freePort } from '../process/ports.ts';
import type { HealthMethod } from '../registered/health-check.ts';
import { parseHealth } from '../registered/parse-health.ts';
import { RegisteredRun } from '../registered/run-registered.ts';
import { globalOptions } from './context.ts';
import { parsePort } from './parse-port.ts';
import { addRegistryOption, registryOf } from './registry-option.ts';
import { stopOnSignals } from './stop-on-signals.ts';

interface RunFlags {
  readonly service: string;
  readonly port: number;
  readonly health?: HealthMethod;
  readonly host: string;
  readonly id?: string;
  readonly stopTimeout: number;
  readonly registry?: string;
}

function parseService(text: string): string {
  if (SERVICE_NAME.pattern.test(text)) return text;
  throw new InvalidArgumentError(`It must be ${SERVICE_NAME.mustBe}.`);
}

function parseMs(text: string): number {
  if (/^\d{1,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number of milliseconds, at most 99,999,999.');
}

async function run(words: string[], flags: RunFlags, registry: string): Promise<void> {
  neverWaitForReaders();
  const { service, host, health = parseHealth('grpc'), stopTimeout } = flags;
  const id = flags.id ?? `${service.slice(0, 48)}-${randomBytes(4).toString('hex')}`;
  const registered = new RegisteredRun({
    service,
    address: { host, port: flags.port || (await freePort(host)) },
    health,
    id,
    registry,
    program: {
      command: words,
      folder: process.cwd(),
      environment: { WEFT_REGISTRY: registry, WEFT_HOST: host, WEFT_INSTANCE_ID: id },
    },
    stopTimeoutMs: stopTimeout,
    onNews: printNews,
  });
  const signals = stopOnSignals(registered);
  try {
    process.exitCode = await registered.run();
  } finally {
    signals.dispose();
  }
}

export function define(command: Command): void {
  addRegistryOption(command)
    .argument('<command...>', 'program and arguments, after --; {port} stands for the port')
    .requiredOption(
      '--service <name>',
      'name of the service that it is an instance of',
      parseService,
    )
    .requiredOption(
      '--port <number>',
      'port that it listens on, told to it as $PORT too; 0 takes a free one',
      parsePort,
    )
    .option(
      '--health <method>',
      'its health check: grpc[:service], http:/path, tcp or none (default: grpc)',
      parseHealth,
    )
    .option('--host <address>', 'where others reach it', process.env.WEFT_HOST || '127.0.0.1')
    .option('--id <id>', 'id of the instance (default: random)')
    .option('--stop-timeout <ms>', 'between SIGTERM and SIGKILL', parseMs, 35_000)
    .action((words: string[], flags: RunFlags, command: Command) =>
      run(words, flags, registryOf(globalOptions(command), flags.registry)),
    );
}
