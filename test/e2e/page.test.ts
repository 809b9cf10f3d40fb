import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import type { Registry } from '@weft/registry';
import { Status } from 'nice-grpc';
import type { Browser } from 'playwright-core';
import { expectAccessible, openPage, startBrowser } from '../support/browser.ts';
import { type EchoInstance, serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { usersOf } from '../support/test-mesh.ts';
import { describeWith } from '../support/tools.ts';

const SCREENSHOTS = join(import.meta.dirname, '__screenshots__');
const SERVICES = ['user-service', 'order-service', 'payment-service'];
/** A page may wait so long for the processor, in ms; what is meant to be quick is said where it is. */
const SLACK = { timeout: 15_000 };

describeWith(['chromium'], 'the web page of a registry', () => {
  let registry: Registry;
  let mesh: Mesh;
  let browser: Browser;
  const instances: EchoInstance[] = [];
  const cleanup: (() => unknown)[] = [];

  const url = (hash = '') => `http://${registry.httpAddress}/${hash}`;
  const open = async (hash = '', options = {}) => {
    const opened = await openPage(browser, url(hash), options);
    cleanup.push(opened.close);
    return opened;
  };

  beforeAll(async () => {
    registry = await createTestRegistry({ httpPort: 0, allowActions: true });
    mesh = createMesh({ registry: registry.address, telemetry: { intervalMs: 100 } });
    for (const [level, name] of SERVICES.entries()) {
      const dependencies = SERVICES.slice(0, level);
      for (const id of [`${name}-1`, `${name}-2`]) {
        instances.push(await serveEcho(mesh, id, { name, dependencies, ttlSeconds: 10 }));
      }
    }
    browser = await startBrowser();
  }, 60_000);
  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all(instances.map(({ host }) => host.close()));
    mesh.close();
    await registry.close();
  });

  /** Lists an instance that nobody is, with a lease of 2 s that nobody renews, or a long one. */
  async function list(id: string, over: { zone?: string; ttlSeconds?: number } = {}) {
    const { ttlSeconds = 600, zone = '' } = over;
    const { client, close } = createRegistryClient(registry.address);
    const address = { host: '127.0.0.1', port: 9 };
    await client.register({ instance: { service: SERVICES[0], id, address, zone }, ttlSeconds });
    cleanup.push(async () => {
      await client.deregister({ service: SERVICES[0] ?? '', id });
      close();
    });
  }

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['narrow', 390],
  ] as const)(
    'shows services and instances to everybody, %s',
    async (look, width) => {
      const colorScheme = look === 'dark' ? 'dark' : 'light';
      const { page, problems } = await open('', { colorScheme, viewport: { width, height: 900 } });
      await page.locator('[data-service]').nth(2).waitFor(SLACK);
      expect(await page.locator('#services').textContent()).toBe('3');
      expect(await page.locator('#instances').textContent()).toBe('6');
      expect(await page.locator('html').getAttribute('data-bs-theme')).toBe(colorScheme);
      for (const at of ['overview', 'graph', 'instances', 'services/user-service', 'events']) {
        await page.goto(url(`#/${at}`));
        await page.locator('h1').waitFor(SLACK);
        await page.waitForFunction('document.querySelector("h1").textContent.length > 0');
        await expectAccessible(page);
        const isWide = 'document.documentElement.scrollWidth > innerWidth';
        expect([at, await page.evaluate(isWide)]).toEqual([at, false]);
        const name = `${at.replace('/', '-')}-${look}.png`;
        await page.screenshot({ path: join(SCREENSHOTS, name), fullPage: true });
      }
      expect(problems).toEqual([]);
    },
    120_000,
  );

  it('shows an instance that comes, and one whose lease ends, without a reload', async () => {
    const { page, problems } = await open('#/instances');
    await page.locator('[data-instance="user-service-1"]').waitFor(SLACK);
    await list('short-lived', { ttlSeconds: 2 });
    const row = page.locator('[data-instance="short-lived"]');
    await row.waitFor({ timeout: 2000 });
    expect(await row.locator('.badge').textContent()).toBe('up');
    await page.locator('.gone[data-instance="short-lived"] .text-bg-danger').waitFor(SLACK);
    await row.waitFor({ ...SLACK, state: 'detached' });
    expect(problems).toEqual([]);
  }, 60_000);

  it('B40: shows names and zones as they are, and runs nothing in them', async () => {
    const zone = '<img src=x onerror=document.title="no">';
    await list('odd', { zone });
    const { page, problems } = await open('#/instances');
    const row = page.locator('[data-instance="odd"]');
    await row.waitFor(SLACK);
    expect(await row.textContent()).toContain(zone);
    await page.goto(url('#/services/%3Cscript%3Ealert(1)%3C%2Fscript%3E'));
    await page.getByRole('heading', { name: '<script>alert(1)</script>' }).waitFor(SLACK);
    expect(problems).toEqual([]);
  }, 60_000);

  it('shows breakers that open', async () => {
    const [first] = instances;
    if (first === undefined) throw new Error('there is no instance');
    first.behaviour.failWith = Status.INTERNAL;
    const caller = createMesh({ registry: registry.address, telemetry: { intervalMs: 100 } });
    cleanup.push(() => {
      first.behaviour.failWith = undefined;
      caller.close();
    });
    const { page, problems } = await open('#/breakers');
    const users = usersOf(caller, 'user-service');
    await eventually(
      async () => {
        await users.getUser({ id: 'x' }).catch(() => {});
        expect(await page.locator('[data-breaker="user-service-1"]').count()).toBe(1);
      },
      { withinMs: 20_000 },
    );
    await page.goto(url('#/services/user-service'));
    await page.locator('[data-breaker="user-service-1"]').waitFor(SLACK);
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
    const { page, problems } = await open('#/services/user-service');
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
