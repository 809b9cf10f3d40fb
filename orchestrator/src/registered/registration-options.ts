import type { Protocol, RegisterOptions } from '@weft/client-sdk';
import type { Address } from '@weft/proto/registry';
import type { Program } from '../process/child.ts';
import type { HealthType } from '../topology/topology.ts';

/** Where this stands in a word of the command, the program gets its port. */
const PORT_PLACEHOLDER = '{port}';

/** A program that is told its port: as $WEFT_PORT, $PORT unless that is set, and in place of `{port}` in its command. */
export function programFor({ command, environment, folder }: Program, port: number): Program {
  const text = String(port);
  return {
    folder,
    command: command.map((word) => word.replaceAll(PORT_PLACEHOLDER, text)),
    environment: { PORT: text, ...environment, WEFT_PORT: text },
  };
}

const PROTOCOLS: Record<HealthType, Protocol> = {
  grpc: 'grpc',
  http: 'http',
  tcp: 'tcp',
  none: 'tcp',
};

/** How a program that is checked by `type` is registered. */
export function registrationOptions(
  type: HealthType,
  { host, port }: Address,
): Pick<RegisterOptions, 'host' | 'port' | 'protocol'> {
  return { host, port, protocol: PROTOCOLS[type] };
}
