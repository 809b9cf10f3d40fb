import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { ArchitectureServiceDefinition, Verdict } from '@weft/proto/architecture';
import type { Registry } from '@weft/registry';
import { createChannel, createClient, Status } from 'nice-grpc';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { expectAccessible, openPage, startBrowser } from '../support/browser.ts';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { startInstance } from '../support/instance-process.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { usersOf } from '../support/test-mesh.ts';
import { describeWith } from '../support/tools.ts';

const SCREENSHOTS = join(import.meta.dirname, '__screenshots__');
const SERVICES = ['user-service', 'order-service', 'payment-service'];
const PAGES = ['overview', 'graph', 'architecture', 'instances', 'services/user-service', 'events'];
/** Those with a drawing, which comes after the words. */
const DRAWN = new Set(['graph', 'architecture']);
/** A page may wait so long for the processor, in ms; what is meant to be quick is said where it is. */
const SLACK = { timeout: 15_000 };

describeWith(['chromium'], 'the web page of a registry', () => {
  let registry: Registry;
  let mesh: Mesh;
  let caller: Mesh;
  let steady: NodeJS.Timeout;
  let browser: Browser;
  const instances: EchoInstance[] = [];
  const cleanup: (() => unknown)[] = [];

  const url = (hash = '') => `http://${registry.httpAddress}/${hash}`;
  const open = async (hash = '', options: BrowserContextOptions = {}) => {
    const opened = await openPage(browser, url(hash), options);
    cleanup.push(opened.close);
    return opened;
  };

  beforeAll(async () => {
    registry = await createTestRegistry({ httpPort: 0, allowActions: true });
    mesh = createMesh({ registry: registry.address });
    const served = SERVICES.flatMap((name, level) =>
      [`${name}-1`, `${name}-2`].map((id) =>
        serveEcho(mesh, id, { name, dependencies: SERVICES.slice(0, level), ttlSeconds: 10 }),
      ),
    );
    instances.push(...(await Promise.all(served)));
    caller = createMesh({ registry: registry.address, telemetry: { intervalMs: 100 } });
    // Else it is left out before its breaker opens.
    caller.configure('user-service', { outlierEjection: false });
    const clients = SERVICES.map((name) => usersOf(caller, name));
    steady = setInterval(() => {
      for (const client of clients) void client.getUser({ id: 'x' }).catch(() => {});
    }, 50);
    browser = await startBrowser();
  }, 60_000);
  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });
  afterAll(async () => {
    clearInterval(steady);
    await browser.close();
    caller.close();
    await Promise.all(instances.map(({ host }) => host.close()));
    mesh.close();
    await registry.close();
  });

  /** Lists an instance that nobody is. */
  async function list(id: string, zone = '') {
    const { client, close } = createRegistryClient(registry.address);
    const address = { host: '127.0.0.1', port: 9 };
    await client.register({ instance: { service: 'nobody', id, address, zone }, ttlSeconds: 600 });
    cleanup.push(async () => {
      await client.deregister({ service: 'nobody', id });
      close();
    });
  }

  it.each([
    ['light', 1280, undefined],
    ['dark', 1280, ['color-contrast']],
    ['narrow', 390, ['scrollable-region-focusable', 'color-contrast']],
  ] as const)(
    'shows services and instances to everybody, %s',
    async (look, width, rules) => {
      const colorScheme = look === 'dark' ? 'dark' : 'light';
      const { page, problems } = await open('', { colorScheme, viewport: { width, height: 900 } });
      await page.locator('[data-service]').nth(2).waitFor(SLACK);
      expect(await page.locator('#services').textContent()).toBe('3');
      expect(await page.locator('#instances').textContent()).toBe('6');
      expect(await page.locator('html').getAttribute('data-bs-theme')).toBe(colorScheme);
      for (const at of PAGES) {
        await page.goto(url(`#/${at}`));
        await page.locator('h1').waitFor(SLACK);
        if (DRAWN.has(at)) await page.locator('.graph canvas').first().waitFor(SLACK);
        await expectAccessible(page, rules);
        const isWide = 'document.documentElement.scrollWidth > innerWidth';
        expect([at, await page.evaluate(isWide)]).toEqual([at, false]);
        const name = `${at.replace('/', '-')}-${look}.png`;
        await page.screenshot({ path: join(SCREENSHOTS, name), fullPage: true });
      }
      expect(problems).toEqual([]);
    },
    60_000,
  );

  it('shows within 2 s that a service was scaled to 4, and one that is killed first red, then gone', async () => {
    const { page, problems } = await open('#/instances');
    await page.clock.install();
    await page.reload();
    await page.locator('[data-instance="user-service-1"]').waitFor(SLACK);
    const start = (id: string) => startInstance(registry.address, 'user-service', id, 2);
    const [scaled, other] = [start('user-service-3'), start('user-service-4')];
    cleanup.push(() => Promise.all([scaled.end(), other.end()]));
    const listed = () => registry.store.catalog.instances('user-service').length;
    await eventually(() => expect(listed()).toBe(4), { withinMs: 20_000 });
    const row = page.locator('[data-instance="user-service-3"]');
    await page.locator('[data-instance^="user-service-"]').nth(3).waitFor({ timeout: 2000 });
    await row.waitFor({ timeout: 2000 });
    const lease = row.locator('.lease-left');
    const before = await lease.textContent();
    scaled.signal('SIGKILL');
    await eventually(async () => expect(await lease.textContent()).not.toBe(before));
    await page.locator('.gone[data-instance="user-service-3"] .bg-danger-subtle').waitFor(SLACK);
    await page.clock.fastForward(10_000);
    await row.waitFor({ ...SLACK, state: 'detached' });
    expect(problems).toEqual([]);
  }, 60_000);

  it('draws the architecture as it was published, and what the registry knows before', async () => {
    const { page, problems } = await open('#/architecture');
    await page.locator('#incomplete').waitFor(SLACK);
    await page.getByRole('table', { name: 'Nodes' }).getByText('user-service-1').waitFor(SLACK);
    const channel = createChannel(registry.address);
    cleanup.push(() => channel.close());
    await createClient(ArchitectureServiceDefinition, channel).publishArchitecture({
      source: 'a test',
      architecture: {
        services: [{ name: 'user-service', offers: ['user.v1.UserService'], isDeclared: true }],
        interfaces: [{ name: 'user.v1.UserService', providers: ['user-service'] }],
        stores: [{ service: 'user-service', name: 'data/<b>users.db' }],
        configuration: [{ service: 'user-service', name: 'TOKEN', value: '***' }],
        nodes: [{ service: 'user-service', instance: 'one', address: '10.0.0.1:1', isLive: true }],
        calls: [
          {
            caller: 'shop',
            interface: 'user.v1.UserService',
            provider: 'user-service',
            sources: [3],
          },
        ],
      },
      rules: [
        {
          id: 'data-isolation',
          holds: 'no two services share a store',
          verdict: Verdict.VERDICT_BROKEN,
          breaches: [{ services: ['user-service'], message: 'they share one' }],
        },
      ],
    });
    await page.getByText('As derived by a test').waitFor(SLACK);
    const [nodes, map, stores] = ['Nodes', 'Map S × I → S', 'Data stores'].map((name) =>
      page.getByRole('table', { name }),
    );
    expect(await nodes?.textContent()).toContain('10.0.0.1:1user-serviceone');
    expect(await map?.textContent()).toContain('shopuser.v1.UserServiceuser-servicetraffic');
    expect(await stores?.textContent()).toContain('data/<b>users.db');
    const rule = page.locator('[data-rule="data-isolation"]');
    expect(await rule.textContent()).toMatch(/^\s*breach.*they share one/s);
    expect(problems).toEqual([]);
  }, 60_000);

  it('B40: shows names and zones as they are, and runs nothing in them', async () => {
    const zone = '<img src=x onerror=document.title="no">';
    await list('odd', zone);
    const { page, problems } = await open('#/instances');
    const row = page.locator('[data-instance="odd"]');
    await row.waitFor(SLACK);
    expect(await row.textContent()).toContain(zone);
    await page.goto(url('#/services/%3Cscript%3Ealert(1)%3C%2Fscript%3E'));
    await page.getByRole('heading', { name: '<script>alert(1)</script>' }).waitFor(SLACK);
    expect(problems).toEqual([]);
  }, 60_000);

  it('shows breakers that open, and opens and closes them by hand', async () => {
    const [first] = instances;
    if (first === undefined) throw new Error('there is no instance');
    first.behaviour.failWith = Status.INTERNAL;
    cleanup.push(() => {
      first.behaviour.failWith = undefined;
    });
    const { page, problems } = await open('#/breakers');
    page.on('dialog', (dialog) => void dialog.accept());
    const row = page.locator('[data-breaker="user-service-1"]');
    await row.getByText('open', { exact: true }).waitFor(SLACK);
    first.behaviour.failWith = undefined;
    await row.getByRole('button', { name: /^Close the breaker/ }).click(SLACK);
    await row.waitFor({ ...SLACK, state: 'detached' });
    await page.goto(url('#/services/user-service'));
    await page.getByRole('button', { name: /^Break user-service-1/ }).click(SLACK);
    await row.getByText('by hand').waitFor(SLACK);
    await page.getByText('open those of all clients, by the page from').waitFor(SLACK);
    await page.getByRole('button', { name: /^Mend user-service-1/ }).click(SLACK);
    await row.waitFor({ ...SLACK, state: 'detached' });
    expect(caller.breakers().every(({ state }) => state === 'closed')).toBe(true);
    expect(problems).toEqual([]);
  }, 60_000);

  it('can be used with the keyboard alone', async () => {
    const { page, problems } = await open();
    await page.locator('[data-service]').first().waitFor(SLACK);
    const focused = () => page.evaluate('document.activeElement.textContent.trim()');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    await page.keyboard.type('payment');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('payment-service');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'payment-service', level: 1 }).waitFor(SLACK);
    expect(problems).toEqual([]);
  }, 60_000);

  it('drains and deregisters where that is allowed, and only from the page itself', async () => {
    await list('to-drain');
    const { page, problems } = await open('#/services/nobody');
    const row = page.locator('[data-instance="to-drain"]');
    page.on('dialog', (dialog) => void dialog.accept());
    await row.getByRole('button', { name: 'Drain to-drain' }).click(SLACK);
    await row.getByText('draining', { exact: true }).waitFor(SLACK);
    await row.getByRole('button', { name: 'Deregister to-drain' }).click(SLACK);
    await row.getByText('gone', { exact: true }).waitFor(SLACK);
    expect(problems).toEqual([]);
    const headers = { 'content-type': 'application/json', origin: 'http://elsewhere.example' };
    const body = JSON.stringify({ action: 'drain', service: 'a', id: 'b', leaseId: '1' });
    const refused = await fetch(url('api/actions'), { method: 'POST', headers, body });
    expect(refused.status).toBe(403);
    await refused.text();
  }, 60_000);

  it('says that the registry is away, and goes on by itself when it is back', async () => {
    const { page, problems } = await open();
    await page.locator('[data-service]').nth(2).waitFor(SLACK);
    const [port, httpPort] = [registry.address, registry.httpAddress ?? ''].map((address) =>
      Number(address.split(':').at(-1)),
    );
    await registry.close();
    await page.getByText('Connection lost, trying again').waitFor(SLACK);
    registry = await createTestRegistry({ port, httpPort, allowActions: true });
    await page.getByText('Live', { exact: true }).waitFor(SLACK);
    await page.locator('#instances', { hasText: /^6$/ }).waitFor(SLACK);
    expect(problems.filter((problem) => !problem.includes('Failed to load resource'))).toEqual([]);
  }, 60_000);
});
