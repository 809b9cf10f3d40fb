import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { freePort } from '../../../orchestrator/src/process/ports.ts';
import { checkScaling } from '../../../orchestrator/src/taken-ports.ts';
import { parseTopology } from '../../../orchestrator/src/topology/parse-topology.ts';

function scale(service: string, count: number, ports: Record<string, number>) {
  const services = Object.entries(ports).map(
    ([name, port]) => `  ${name}: { command: x, port: ${port} }`,
  );
  const text = `registry: { port: 0, etcd: { port: 0 } }\nservices:\n${services.join('\n')}`;
  return checkScaling(parseTopology(text, 'weft.yaml'), { service, count, wantedOf: () => 1 });
}

describe('checkScaling', () => {
  it('refuses a port that is given to another process', async () => {
    await expect(scale('a', 2, { a: 9000, b: 9001 })).rejects.toThrow(
      'b-1 has no port: services.b.port in weft.yaml: port 9001 is that of a-2 too',
    );
  });

  it('refuses ports past the last', async () => {
    await expect(scale('a', 90, { a: 65_530 })).rejects.toThrow(/^a-7 has no port: [^\n]*$/);
  });

  it('refuses a port that someone else listens on, and only looks at new ones', async () => {
    const port = await freePort('127.0.0.1');
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    await expect(scale('a', 2, { a: port - 1 })).rejects.toThrow(
      `127.0.0.1:${port}, wanted for a-2, is taken`,
    );
    await scale('a', 1, { a: port });
    await scale('a', 5, { a: 0 });
    server.close();
    await once(server, 'close');
  });
});
