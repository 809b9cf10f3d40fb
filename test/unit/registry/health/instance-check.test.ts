import { afterEach, describe, expect, it } from '@jest/globals';
import { GrpcServer, ServingStatus } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { type Address, InstanceType } from '@weft/proto/registry';
import { createServer } from 'nice-grpc';
import { freePort } from '../../../../orchestrator/src/process/ports.ts';
import type { Finding } from '../../../../registry/src/health/check-state.ts';
import { InstanceCheck } from '../../../../registry/src/health/instance-check.ts';
import { Turns } from '../../../../registry/src/health/turns.ts';
import type { StoredInstance } from '../../../../registry/src/store/stored-instance.ts';
import { eventually } from '../../../support/eventually.ts';
import { createSilentServer } from '../../../support/silent-server.ts';
import { storedInstance } from '../fixtures.ts';

const { SERVING, NOT_SERVING } = ServingStatus;

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

const at = (port: number): Address => ({ host: '127.0.0.1', port });

/** Looks at an instance. Answers its findings so far, the first of those that are the same in a row. */
function look(instance: Partial<StoredInstance>, turns = new Turns(8), intervalMs = 50) {
  const changes: Finding[] = [];
  let count = 0;
  const check = new InstanceCheck({
    instance: storedInstance(instance),
    turns,
    intervalMs,
    timeoutMs: 1000,
    onFinding: (finding) => {
      count += 1;
      if (changes.at(-1) !== finding) changes.push(finding);
    },
  });
  cleanup.push(() => check.close());
  const becomes = (...findings: Finding[]) =>
    eventually(() => expect(changes).toEqual(findings), { withinMs: 10_000 });
  return { check, becomes, changes, count: () => count };
}

async function startServer(port = 0) {
  const server = new GrpcServer({ routes: [] });
  const actualPort = await server.listen(`127.0.0.1:${port}`);
  server.health.setAll(SERVING);
  cleanup.push(() => server.close(0));
  return { server, port: actualPort };
}

describe('the look at an instance', () => {
  it('is told of each change by Watch, and repeated in each interval', async () => {
    const { server, port } = await startServer();
    const { becomes, count } = look({ address: at(port) });
    await becomes('serving');
    await eventually(() => expect(count()).toBeGreaterThan(3));
    server.health.setAll(NOT_SERVING);
    await becomes('serving', 'refusing');
    server.health.setAll(SERVING);
    await becomes('serving', 'refusing', 'serving');
  });

  it('asks for the service that the instance names', async () => {
    const { server, port } = await startServer();
    server.health.set('acme.Things', NOT_SERVING);
    const { becomes } = look({ address: at(port), healthCheck: { service: 'acme.Things' } });
    await becomes('refusing');
  });

  it('finds an instance silent that went away, and serving once it is back', async () => {
    const { server, port } = await startServer();
    const { becomes, changes } = look({ address: at(port) });
    await becomes('serving');
    await server.close(0);
    // A server that stops in order says so before it is gone.
    await becomes('serving', 'refusing', 'silent');
    await startServer(port);
    await eventually(() => expect(changes.at(-1)).toBe('serving'));
  });

  it('asks by Check again and again where there is no Watch', async () => {
    let status: ServingStatus = NOT_SERVING;
    const { check } = HealthDefinition.methods;
    const server = createServer();
    server.add({ ...HealthDefinition, methods: { check } }, { check: async () => ({ status }) });
    const port = await server.listen('127.0.0.1:0');
    cleanup.push(() => server.forceShutdown());
    const { becomes, count } = look({ address: at(port) });
    await becomes('refusing');
    status = SERVING;
    await becomes('refusing', 'serving');
    const before = count();
    await eventually(() => expect(count()).toBeGreaterThan(before + 2));
  });

  it('only connects to what need not speak gRPC', async () => {
    const silent = await createSilentServer();
    cleanup.push(() => silent.close());
    const type = InstanceType.INSTANCE_TYPE_CACHE;
    await look({ address: at(silent.port), type }).becomes('serving');
    await look({ address: at(await freePort('127.0.0.1')), type }).becomes('silent');
  });

  it('gives its turn back when nothing answers, so that others are looked at', async () => {
    const silent = await createSilentServer();
    cleanup.push(() => silent.close());
    const { port } = await startServer();
    const turns = new Turns(1);
    const unheard = look({ address: at(silent.port) }, turns);
    const heard = look({ address: at(port) }, turns);
    await Promise.all([unheard.becomes('silent'), heard.becomes('serving')]);
  });

  it('ends when it is closed', async () => {
    const { port } = await startServer();
    const { check, becomes, count } = look({ address: at(port) });
    await becomes('serving');
    check.close();
    const before = count();
    const other = look({ address: at(port) });
    await eventually(() => expect(other.count()).toBeGreaterThan(3));
    expect(count()).toBe(before);
  });
});
