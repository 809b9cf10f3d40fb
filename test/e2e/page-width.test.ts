import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Registry } from '@weft/registry';
import type { Browser, Locator } from 'playwright-core';
import { expectAccessible, openPage, startBrowser } from '../support/browser.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { describeWith } from '../support/tools.ts';

const SERVICES = ['user-service', 'order-service', 'inventory-reservation-service'];
const COUNT = 305;
const SLACK = { timeout: 15_000 };

const serviceOf = (index: number) => SERVICES[index % SERVICES.length] as string;
/** Ids that differ only at their ends, as those of `weft up` do. */
const idOf = (index: number) => `${serviceOf(index)}-${100 + index}-4f1e`;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const END = 9;

/** In the page: the last characters of an instance's id, and where they are. */
const endOfText = (id: string) => `(() => {
  const cell = document.querySelector('[data-instance="${id}"] [data-label="Instance"]');
  const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode();
  const range = document.createRange();
  range.setStart(text, text.length - ${END});
  range.setEnd(text, text.length);
  const { left, right } = range.getBoundingClientRect();
  return { text: String(range), left, right };
})()`;

async function boxOf(locator: Locator): Promise<Box> {
  const box = await locator.boundingBox(SLACK);
  if (box === null) throw new Error(`${locator} is not shown`);
  const { x, y, width, height } = box;
  return { left: x, right: x + width, top: y, bottom: y + height };
}

describeWith(['chromium'], 'the web page with 305 instances', () => {
  let registry: Registry;
  let admin: ReturnType<typeof createRegistryClient>;
  let browser: Browser;

  const open = (at: string, width: number) =>
    openPage(browser, `http://${registry.httpAddress}/#/${at}`, {
      viewport: { width, height: 900 },
    });

  beforeAll(async () => {
    registry = await createTestRegistry({ httpPort: 0, allowActions: true });
    admin = createRegistryClient(registry.address);
    const registrations = Array.from({ length: COUNT }, (_, index) => ({
      instance: {
        service: serviceOf(index),
        id: idOf(index),
        address: { host: '127.0.0.1', port: 20_000 + index },
        version: '1.4.2',
        zone: 'eu-central-1a',
        dependencies: SERVICES.slice(0, index % SERVICES.length),
      },
      ttlSeconds: 600,
    }));
    await admin.client.registerMany({ registrations });
    browser = await startBrowser();
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    admin.close();
    await registry.close();
  });

  it('fills the width of a screen of 1366 px with its table, and shows the end of each id', async () => {
    const { page, problems, close } = await open('instances', 1366);
    const row = page.locator('[data-instance^="inventory-reservation-service-"]').first();
    await row.waitFor(SLACK);
    const frame = await boxOf(page.locator('.rows-scroll'));
    const lastCell = await boxOf(page.locator('.rows thead th').last());
    expect(lastCell.right).toBeGreaterThan(frame.right - 4);
    expect(lastCell.right).toBeLessThan(frame.right + 1);
    const cell = row.locator('td[data-label="Instance"]');
    const id = (await row.getAttribute('data-instance')) ?? '';
    expect((await cell.textContent())?.trim()).toBe(id);
    const [{ left, right }, end] = await Promise.all([
      boxOf(cell),
      page.evaluate<Pick<Box, 'left' | 'right'> & { text: string }>(endOfText(id)),
    ]);
    expect(end.text).toBe(id.slice(-END));
    expect(end.left).toBeGreaterThan(left);
    expect(end.right).toBeLessThanOrEqual(right);
    expect(problems).toEqual([]);
    await close();
  }, 60_000);

  it('shows everything of an instance on a phone, and all columns of other tables', async () => {
    const { page, problems, close } = await open('instances', 390);
    const row = page.locator('[data-instance="user-service-100-4f1e"]');
    await page.locator('.search').fill('user-service-100-');
    await row.waitFor(SLACK);
    const texts = [
      ['Instance', '-100-4f1e'],
      ['Service', 'user-service'],
      ['Address', '127.0.0.1:20000'],
      ['Version', '1.4.2'],
      ['Zone', 'eu-central-1a'],
      ['Calls/s', '0'],
      ['Errors', '0%'],
      ['p99', '–'],
      ['Actions', 'Drain'],
    ];
    for (const [label = '', text = ''] of texts) {
      const cell = row.locator(`td[data-label="${label}"]`);
      expect([label, await cell.textContent()]).toEqual([label, expect.stringContaining(text)]);
      const { left, right } = await boxOf(cell);
      expect([label, left >= 0, right <= 390]).toEqual([label, true, true]);
      const isCut = await cell.evaluate((element) => element.scrollWidth > element.clientWidth);
      expect([label, isCut]).toEqual([label, false]);
    }
    await expectAccessible(page, ['color-contrast', 'td-headers-attr']);
    await page.goto(`http://${registry.httpAddress}/#/graph`);
    const table = page.locator('.table-responsive');
    await table.waitFor(SLACK);
    const heads = await page.locator('main thead th').all();
    for (const head of heads) expect(await head.isVisible()).toBe(true);
    // It can be scrolled, and a shadow at its edge says so.
    const style = (name: string) =>
      page.evaluate(`getComputedStyle(document.querySelector('.table-responsive')).${name}`);
    expect(await style('overflowX')).toBe('auto');
    expect(await style('backgroundImage')).toContain('radial-gradient');
    expect(problems).toEqual([]);
    await close();
  }, 60_000);

  it.each([1366, 390])(
    'covers no card of the graph with its buttons at %i px',
    async (width) => {
      const { page, close } = await open('graph', width);
      await page.locator('.graph canvas').first().waitFor(SLACK);
      const drawing = await boxOf(page.locator('.graph'));
      const buttons = await boxOf(page.locator('.drawing-buttons'));
      expect(buttons.bottom <= drawing.top || buttons.top >= drawing.bottom).toBe(true);
      await close();
    },
    60_000,
  );
});
