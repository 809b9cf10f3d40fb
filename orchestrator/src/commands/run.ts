import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { hostProblem, INSTANCE_ID, messageOf, SERVICE_NAME } from '@weft/proto';
import type { Address } from '@weft/proto/registry';
import { type Command, InvalidArgumentError } from 'commander';
import { neverWaitForReaders, printNews } from '../output/terminal.ts';
import { freePort } from '../process/ports.ts';
import { addressOf, type HealthMethod } from '../registered/health-check.ts';
import { parseHealth } from '../registered/parse-health.ts';
import { RegisteredRun } from '../registered/run-registered.ts';
import { MAX_PORT } from '../topology/fixed-ports.ts';
import { globalOptions } from './context.ts';
import { parsePort } from './parse-port.ts';
import { addRegistryOption, registryOf } from './registry-option.ts';
import { stopOnSignals } from './stop-on-signals.ts';

interface RunFlags {
  readonly service: string;
  readonly port: number;
  readonly health?: HealthMethod;
  readonly host?: string;
  readonly advertise?: Address;
  readonly id?: string;
  readonly stopTimeout: number;
  readonly registry?: string;
}

function parseService(text: string): string {
  if (SERVICE_NAME.pattern.test(text)) return text;
  throw new InvalidArgumentError(`It must be ${SERVICE_NAME.mustBe}.`);
}

function parseId(text: string): string {
  if (INSTANCE_ID.pattern.test(text)) return text;
  throw new InvalidArgumentError(`It must be ${INSTANCE_ID.mustBe}.`);
}

function parseHost(text: string): string {
  if (/^[^\s/:]{1,253}$/.test(text) || isIP(text) === 6) return text;
  throw new InvalidArgumentError('It must be a host name or an address, such as 127.0.0.1.');
}

function parseAddress(text: string): Address {
  const address = addressOf(text);
  if (address !== undefined && address.port > 0 && address.port <= MAX_PORT) {
    return { host: parseHost(address.host), port: address.port };
  }
  throw new InvalidArgumentError('It must be host:port, such as 10.0.0.31:31080.');
}

/** The value of a variable, read like an option; undefined if it is not set. */
function variable<Value>(name: string, parse: (text: string) => Value): Value | undefined {
  const text = process.env[name];
  if (!text) return undefined;
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`$${name} is '${text}'. ${messageOf(error)}`);
  }
}

/**
 * The address at which clients reach a program: the option `--advertise`, else a container's variables, else
 * the address at which the program listens.
 */
function advertisedAddress({ host, port }: Address, given: Address | undefined): Address {
  const advertised = given ?? {
    host: variable('WEFT_ADVERTISE_HOST', parseHost) ?? host,
    port: variable('WEFT_ADVERTISE_PORT', parsePort) ?? port,
  };
  const problem = hostProblem(advertised.host);
  if (problem === undefined) return advertised;
  const message = `The advertised host ${problem}. Set --advertise or $WEFT_ADVERTISE_HOST.`;
  throw new InvalidArgumentError(message);
}

function parseMs(text: string): number {
  if (/^\d{1,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number of milliseconds, at most 99,999,999.');
}

async function run(words: string[], flags: RunFlags, registry: string): Promise<void> {
  neverWaitForReaders();
  const { service, health = parseHealth('grpc'), stopTimeout } = flags;
  const host = flags.host ?? variable('WEFT_HOST', parseHost) ?? '127.0.0.1';
  const id = flags.id ?? `${service.slice(0, 48)}-${randomBytes(4).toString('hex')}`;
  const address = { host, port: flags.port || (await freePort(host)) };
  const registered = new RegisteredRun({
    service,
    address,
    advertised: advertisedAddress(address, flags.advertise),
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
      'port that it listens on, passed to it as $PORT; 0 takes a free one',
      parsePort,
    )
    .option(
      '--health <method>',
      'its health check: grpc[:service], http:/path, tcp or none (default: grpc)',
      parseHealth,
    )
    .option('--host <address>', 'where it listens (default: $WEFT_HOST, else 127.0.0.1)', parseHost)
    .option(
      '--advertise <host:port>',
      'where others reach it (default: $WEFT_ADVERTISE_HOST and _PORT, else where it listens)',
      parseAddress,
    )
    .option('--id <id>', 'id of the instance (default: random)', parseId)
    .option('--stop-timeout <ms>', 'between SIGTERM and SIGKILL', parseMs, 35_000)
    .action(async (words: string[], flags: RunFlags, command: Command) => {
      try {
        await run(words, flags, registryOf(globalOptions(command), flags.registry));
      } catch (error) {
        // Commander prints such an error of an option by itself, and not of a variable.
        if (error instanceof InvalidArgumentError) command.error(`error: ${error.message}`);
        throw error;
      }
    });
}
