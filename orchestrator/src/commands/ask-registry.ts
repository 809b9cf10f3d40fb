import { clientTransport } from '@weft/proto';
import { type RegistryServiceClient, RegistryServiceDefinition } from '@weft/proto/registry';
import { type TelemetryServiceClient, TelemetryServiceDefinition } from '@weft/proto/telemetry';
import type { Command } from 'commander';
import {
  type Channel,
  ClientError,
  type ClientMiddleware,
  createChannel,
  createClientFactory,
  Status,
} from 'nice-grpc';
import { OrchestratorError } from '../errors.ts';
import { callFailure, callFailureText } from '../output/call-error.ts';
import { globalOptions } from './context.ts';
import { registryOf } from './registry-option.ts';

/** How long one answer may take where the call itself does not say. */
export const ANSWER_MS = 10_000;
/** How long each of several registries has to answer before the next one is asked. */
const PROBE_MS = 2_000;

/** A registry to ask, one of those that were named. */
export interface AskedRegistry {
  readonly address: string;
  readonly registry: RegistryServiceClient;
  readonly telemetry: TelemetryServiceClient;
}

/** The registries that were named, and the one of them in use. */
export interface RegistryAccess extends AskedRegistry {
  /** Goes on with the next one; with the same one, when no other was named. */
  failover(): void;
}

/** Ends unary calls that take too long; nice-grpc leaves them without a deadline. */
const bounded: ClientMiddleware = async function* bound(call, options) {
  const isBounded = options.signal !== undefined || call.responseStream;
  const signal = isBounded ? options.signal : AbortSignal.timeout(ANSWER_MS);
  return yield* call.next(call.request, signal === undefined ? options : { ...options, signal });
};

const clients = createClientFactory().use(bounded);

/** What a failed question says to people: what was wrong, and what to do. */
export function registryFailure(error: unknown, address: string): OrchestratorError {
  if (error instanceof OrchestratorError) return error;
  const isLate = error instanceof Error && /Abort|Timeout/.test(error.name);
  const isAway = error instanceof ClientError && error.code === Status.UNAVAILABLE;
  if (isLate || isAway) {
    const why = isAway ? error.details : 'no answer in time';
    return new OrchestratorError(
      `the registry at ${address} cannot answer: ${why}; check that it runs, or name another with --registry or $WEFT_REGISTRY`,
    );
  }
  if (error instanceof ClientError) {
    return new OrchestratorError(
      `the registry at ${address}: ${callFailureText(callFailure(error))}`,
    );
  }
  throw error;
}

/**
 * Opens the registries of a list, `host:port,host:port`; the first is in use. Close them.
 * @throws OrchestratorError when one is no address
 */
export function openRegistry(named: string) {
  try {
    return openAll(named.split(',').map((address) => address.trim()));
  } catch {
    throw new OrchestratorError(`'${named}' is no address of a registry: it must be host:port`);
  }
}

function openAll(addresses: readonly string[]) {
  const channels: Channel[] = [];
  const all: AskedRegistry[] = addresses.map((address) => {
    const channel = createChannel(address, undefined, clientTransport);
    channels.push(channel);
    return {
      address,
      registry: clients.create(RegistryServiceDefinition, channel),
      telemetry: clients.create(TelemetryServiceDefinition, channel),
    };
  });
  let index = 0;
  const current = () => all[index % all.length] as AskedRegistry;
  const access: RegistryAccess = {
    get address() {
      return current().address;
    },
    get registry() {
      return current().registry;
    },
    get telemetry() {
      return current().telemetry;
    },
    failover() {
      index += 1;
    },
  };
  const close = () => {
    for (const channel of channels) channel.close();
  };
  return { access, count: all.length, close };
}

/** Comes to one of several that answers. @throws what the last one said */
export async function findOne(access: RegistryAccess, count: number): Promise<void> {
  if (count === 1) return;
  for (let tried = 1; ; tried += 1) {
    try {
      const signal = AbortSignal.timeout(PROBE_MS);
      await access.registry.listServices({ pageSize: 1 }, { signal });
      return;
    } catch (error) {
      if (tried >= count) throw error;
      access.failover();
    }
  }
}

/**
 * Asks the registry that a command names: --registry, $WEFT_REGISTRY or the mesh that is up here. Of
 * several, the first that answers.
 * @throws OrchestratorError when none is known or answers, or with what it answered
 */
export async function askRegistry<Answer>(
  command: Command,
  ask: (access: RegistryAccess) => Promise<Answer>,
): Promise<Answer> {
  const { registry } = command.opts<{ registry?: string }>();
  const named = registryOf(globalOptions(command), registry);
  const { access, count, close } = openRegistry(named);
  try {
    await findOne(access, count);
    return await ask(access);
  } catch (error) {
    throw registryFailure(error, access.address);
  } finally {
    close();
  }
}

/** The first message of a stream, which then ends. @throws what the stream does; Error when it has none */
export async function firstOf<Message>(
  open: (options: { signal: AbortSignal }) => AsyncIterable<Message>,
): Promise<Message> {
  for await (const message of open({ signal: AbortSignal.timeout(ANSWER_MS) })) return message;
  throw new OrchestratorError('the registry ended the stream without a word; try again');
}
