import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { GrpcServer, ServingStatus } from '@weft/proto';
import { Instance, InstanceStatus } from '@weft/proto/registry';
import { freePort } from '../../../../orchestrator/src/process/ports.ts';
import type { RegistryView } from '../../../../orchestrator/src/registry-view.ts';
import { etcdProbe, grpcProbe, instanceProbe } from '../../../../orchestrator/src/slot/probes.ts';

const { INSTANCE_STATUS_RUNNING, INSTANCE_STATUS_STOPPING } = InstanceStatus;

/** Patience of a look, in ms: these servers respond at once, unless the machine is busy. */
const TIMEOUT_MS = 5000;

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function startServer(status: ServingStatus = ServingStatus.SERVING) {
  const server = new GrpcServer({ routes: [] });
  const port = await server.listen('127.0.0.1:0');
  server.health.setAll(status);
  cleanup.push(() => server.close(0));
  return { server, port, address: `127.0.0.1:${port}` };
}

describe('a look at a gRPC server', () => {
  it('tells whether it serves, refuses or says nothing', async () => {
    const { server, address } = await startServer();
    const probe = grpcProbe(address);
    cleanup.push(() => probe.close());
    const serving = { address, isHealthy: true, isReady: true, isExcused: false, isSilent: false };
    expect(await probe.read(TIMEOUT_MS)).toMatchObject(serving);
    server.health.setAll(ServingStatus.NOT_SERVING);
    expect(await probe.read(TIMEOUT_MS)).toMatchObject({
      ...serving,
      isHealthy: false,
      isReady: false,
    });
    await server.close(0);
    expect(await probe.read(TIMEOUT_MS)).toMatchObject({ isHealthy: false, isSilent: true });
  });
});

describe('a look at an instance where the registry lists it', () => {
  /** What the registry says, and the looks at instance `a`. */
  function watch(service = '') {
    const told: { isCurrent: boolean; instance: Instance | undefined } = {
      isCurrent: true,
      instance: undefined,
    };
    const view: Pick<RegistryView, 'isCurrent' | 'instance'> = {
      get isCurrent() {
        return told.isCurrent;
      },
      instance: (id) => (id === 'a' ? told.instance : undefined),
    };
    const probe = instanceProbe(view as RegistryView, 'a', service);
    cleanup.push(() => probe.close());
    return { told, look: () => probe.read(TIMEOUT_MS) };
  }

  const at = (port: number, status: InstanceStatus = INSTANCE_STATUS_RUNNING) =>
    Instance.fromPartial({ address: { host: '127.0.0.1', port }, status });

  it('finds it ready only if it serves and is listed as RUNNING', async () => {
    const { server, port, address } = await startServer();
    const { told, look } = watch();
    told.instance = at(port);
    expect(await look()).toMatchObject({ address, isHealthy: true, isReady: true });
    told.instance = at(port, INSTANCE_STATUS_STOPPING);
    expect(await look()).toMatchObject({
      isHealthy: true,
      isReady: false,
      lacks: 'the registry does not list it as RUNNING',
    });
    told.instance = at(port);
    server.health.setAll(ServingStatus.NOT_SERVING);
    expect(await look()).toMatchObject({
      isHealthy: false,
      isReady: false,
      isSilent: false,
      lacks: `grpc.health.v1 at ${address} does not answer SERVING`,
    });
  });

  it('asks for the service that is named', async () => {
    const { server, port, address } = await startServer();
    server.health.set('acme.Things', ServingStatus.NOT_SERVING);
    const { told, look } = watch('acme.Things');
    told.instance = at(port);
    expect(await look()).toMatchObject({
      isHealthy: false,
      lacks: `grpc.health.v1 at ${address} does not answer SERVING for acme.Things`,
    });
  });

  it('goes on asking one that left the registry where it was, and finds it not ready', async () => {
    const { port, address } = await startServer();
    const { told, look } = watch();
    told.instance = at(port);
    await look();
    told.instance = undefined;
    expect(await look()).toMatchObject({ address, isHealthy: true, isReady: false });
  });

  it('excuses one that is not listed while the registry is away', async () => {
    const { told, look } = watch();
    expect(await look()).toMatchObject({
      ...{ address: '', isHealthy: false, isReady: false, isExcused: false, isSilent: true },
      lacks: expect.stringMatching(/^it has not registered as a; /),
    });
    told.isCurrent = false;
    expect(await look()).toMatchObject({
      isExcused: true,
      lacks: 'the registry does not answer',
    });
  });
});

describe('a look at etcd', () => {
  /** An HTTP server with the pages of etcd that `pages` has. */
  async function startPages(pages: Record<string, string>) {
    const server = createServer(({ url = '' }, response) => {
      const body = pages[url];
      if (body === undefined) response.writeHead(404).end();
      else response.end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanup.push(() => server.close());
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it.each([
    ['is healthy', { '/health': '{"health":"true"}', '/version': '{}' }, true],
    ['says that it is not', { '/health': '{"health":"false"}', '/version': '{}' }, false],
    ['has lost its majority', { '/version': '{}' }, false],
    ['has no page of its own', { '/health': '{"health":"true"}' }, true],
  ])('that %s', async (_, pages, isHealthy) => {
    const address = await startPages(pages);
    const reading = await etcdProbe(address).read(TIMEOUT_MS);
    expect(reading).toMatchObject({ address, isHealthy, isReady: isHealthy, isSilent: false });
  });

  it('finds one that is not there silent', async () => {
    const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
    const reading = await etcdProbe(address).read(TIMEOUT_MS);
    expect(reading).toMatchObject({ isHealthy: false, isSilent: true });
  });
});
