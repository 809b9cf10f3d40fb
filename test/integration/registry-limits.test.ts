import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HealthDefinition } from '@weft/proto/health';
import { createRegistry, type Registry, type RegistryOptions } from '@weft/registry';
import { createChannel, createClient } from 'nice-grpc';
import { eventually } from '../support/eventually.ts';
import { metricsOf } from '../support/metrics.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { failureOf } from '../support/services.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';

type Client = ReturnType<typeof createRegistryClient>['client'];

let cleanup: AsyncDisposableStack;
beforeEach(() => {
  cleanup = new AsyncDisposableStack();
});
afterEach(() => cleanup.disposeAsync());

async function start(options: RegistryOptions) {
  const registry = await createTestRegistry({ httpPort: 0, ...options });
  cleanup.defer(() => registry.close());
  const { client, close } = createRegistryClient(registry.address);
  cleanup.defer(close);
  return { registry, client };
}

const instanceOf = (id: string, metadata = new Map<string, string>()) => ({
  service: 'user',
  id,
  address: { host: '127.0.0.1', port: 5000 },
  metadata,
});
const list = (client: Client, id: string, metadata?: Map<string, string>) =>
  client.register({ instance: instanceOf(id, metadata), skipCallback: true });

async function refusals(registry: Registry, limit: string): Promise<number> {
  const metrics = await metricsOf(registry);
  return metrics.get(`weft_registry_limit_refusals_total{limit="${limit}"}`) ?? Number.NaN;
}

describe('the limits of a registry', () => {
  it('refuse one instance too many, and let those that are there come back', async () => {
    const { registry, client } = await start({ limits: { maxInstancesPerService: 2 } });
    await list(client, 'a');
    await list(client, 'b');
    const refused = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_INSTANCES' };
    expect(await failureOf(list(client, 'c'))).toEqual(refused);
    await list(client, 'a');
    expect(registry.store.catalog.size).toBe(2);
    expect(await refusals(registry, 'instances')).toBe(1);
    await client.deregister({ service: 'user', id: 'a' });
    await list(client, 'c');
  });

  it('refuse many at once that would be too many together', async () => {
    const { registry, client } = await start({ limits: { maxInstancesPerService: 5 } });
    const ids = Array.from({ length: 20 }, (_, index) => `i${index}`);
    const outcomes = await Promise.allSettled(ids.map((id) => list(client, id)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(registry.store.catalog.size).toBe(5);
    expect(await refusals(registry, 'instances')).toBe(15);
  });

  it('B13: refuse metadata larger than this registry takes', async () => {
    const { registry, client } = await start({ limits: { maxMetadataBytes: 10 } });
    const large = new Map([['key', '12345678']]);
    const refused = (field: string) => ({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      fields: [field],
    });
    expect(await failureOf(list(client, 'a', large))).toEqual(refused('instance.metadata'));
    await list(client, 'a', new Map([['key', '1234567']]));
    const update = { service: 'user', id: 'a', metadata: { metadata: large } };
    expect(await failureOf(client.updateInstance(update))).toEqual(refused('metadata.metadata'));
    expect(await refusals(registry, 'metadata')).toBe(2);
  });

  it('B21: refuse one watch too many of a connection', async () => {
    const { registry, client } = await start({ limits: { maxWatchesPerConnection: 2 } });
    const watches = [new WatchRecorder(client), new WatchRecorder(client)];
    await eventually(() => {
      for (const { messages } of watches) expect(messages).toHaveLength(1);
    });
    const third = new WatchRecorder(client);
    const refused = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_WATCHES' };
    expect(await failureOf(third.ended.then((error) => Promise.reject(error)))).toEqual(refused);
    expect(await refusals(registry, 'watches')).toBe(1);
    const other = createRegistryClient(registry.address);
    const elsewhere = new WatchRecorder(other.client);
    await eventually(() => expect(elsewhere.messages).toHaveLength(1));
    await Promise.all([...watches, elsewhere].map((watch) => watch.stop()));
    other.close();
  });

  it('refuse requests of a host that makes too many, but no renewal and no question of health', async () => {
    const { registry, client } = await start({ limits: { maxRequestsPerSecond: 1 } });
    const { leaseId } = await list(client, 'a');
    await client.listServices({});
    // Both of the burst are used; each second brings one.
    const refused = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_REQUESTS' };
    expect(await failureOf(client.listServices({}))).toEqual(refused);
    const renewal = client.keepAlive(
      (async function* () {
        yield { leaseIds: [leaseId] };
      })(),
    );
    for await (const { leases } of renewal) expect(leases).toEqual([{ leaseId, ttlSeconds: 10 }]);
    const channel = createChannel(registry.address);
    cleanup.defer(() => channel.close());
    expect(await createClient(HealthDefinition, channel).check({})).toEqual({ status: 1 });
    expect(await refusals(registry, 'requests')).toBeGreaterThanOrEqual(1);
    // It was told when to come back.
    await eventually(() => client.listServices({}), { withinMs: 3000, everyMs: 200 });
  });
});

describe('the metrics of a registry', () => {
  it('tell what is there, and what was done', async () => {
    const { registry, client } = await start({});
    const { leaseId } = await list(client, 'a');
    await list(client, 'b');
    await client.updateInstance({ service: 'user', id: 'a', weight: 2 });
    await client.deregister({ service: 'user', id: 'b' });
    const renewal = client.keepAlive(
      (async function* () {
        yield { leaseIds: [leaseId, 1n] };
      })(),
    );
    for await (const { leases } of renewal) expect(leases).toHaveLength(2);
    const watch = new WatchRecorder(client);
    await eventually(() => expect(watch.messages).toHaveLength(1));
    await failureOf(client.getService({ service: 'nobody' }));

    const metrics = await metricsOf(registry);
    const own = (name: string) => metrics.get(`weft_registry_${name}`);
    expect(own('instances')).toBe(1);
    expect(own('services')).toBe(1);
    expect(own('watchers')).toBe(1);
    expect(own('revision')).toBe(Number(registry.store.catalog.revision));
    expect([own('stale'), own('store_up')]).toEqual([0, 1]);
    expect(own('writes_total{kind="register"}')).toBe(2);
    expect(own('writes_total{kind="update"}')).toBe(1);
    expect(own('writes_total{kind="deregister"}')).toBe(1);
    expect(own('keepalives_total{outcome="renewed"}')).toBe(1);
    expect(own('keepalives_total{outcome="lost"}')).toBe(1);
    for (const name of ['store_watches', 'relists', 'compactions', 'differences']) {
      expect(own(`${name}_total`)).toBe(0);
    }
    expect(own('skipped_values_total')).toBe(0);
    expect(own('watches_cut_off_total')).toBe(0);

    const grpc = (name: string, type: string, method: string, code = '') =>
      metrics.get(
        `grpc_server_${name}{grpc_type="${type}",grpc_service="weft.registry.v1.RegistryService",grpc_method="${method}"${code}}`,
      );
    expect(grpc('started_total', 'unary', 'Register')).toBe(2);
    expect(grpc('handled_total', 'unary', 'Register', ',grpc_code="OK"')).toBe(2);
    expect(grpc('handling_seconds_count', 'unary', 'Register')).toBe(2);
    expect(grpc('handled_total', 'unary', 'GetService', ',grpc_code="NotFound"')).toBe(1);
    expect(grpc('handled_total', 'bidi_stream', 'KeepAlive', ',grpc_code="OK"')).toBe(1);
    expect(grpc('started_total', 'server_stream', 'Watch')).toBe(1);
    expect(grpc('handled_total', 'server_stream', 'Watch', ',grpc_code="OK"')).toBeUndefined();
    expect(metrics.get('nodejs_eventloop_lag_seconds')).toBeDefined();
    await watch.stop();
    await eventually(async () => {
      const after = await metricsOf(registry);
      const ended = [...after.keys()].filter((key) => /handled.*"Watch",grpc_code="Canc/.test(key));
      expect(ended).toHaveLength(1);
      expect(after.get('weft_registry_watchers')).toBe(0);
    });
  });

  it('tell of a registry of their own each', async () => {
    const { client } = await start({});
    const { registry: other } = await start({});
    await list(client, 'a');
    expect((await metricsOf(other)).get('weft_registry_instances')).toBe(0);
  });
});

describe('the HTTP server of a registry', () => {
  let registry: Registry;
  let url: string;
  beforeAll(async () => {
    registry = await createTestRegistry({ httpPort: 0 });
    url = `http://${registry.httpAddress}`;
  });
  afterAll(() => registry.close());

  it('answers what is not there, and what cannot be done', async () => {
    const missing = await fetch(`${url}/nothing`);
    expect(missing.status).toBe(404);
    expect(await missing.text()).toMatch(/there is .*\/metrics/);
    const posted = await fetch(`${url}/metrics`, { method: 'POST' });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('allow')).toBe('GET, HEAD');
    const page = await fetch(`${url}/metrics?x=1`);
    expect(page.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    await page.text();
  });

  it('is not there unless asked for', async () => {
    const { registry: other } = await start({ httpPort: undefined });
    expect(other.httpAddress).toBeUndefined();
  });

  it('says that its port is taken, and leaves nothing running', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    const message = `cannot serve HTTP on 127.0.0.1:${port}.*--http-port`;
    await expect(createRegistry({ port: 0, httpPort: port })).rejects.toThrow(new RegExp(message));
    await new Promise((resolve) => holder.close(resolve));
  });
});
