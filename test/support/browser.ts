import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { toolPath } from './tools.ts';

/** Chromium without a window. Always close it. */
export function startBrowser(): Promise<Browser> {
  // Its sandbox cannot be had by root, nor in most containers; it opens nothing but our own page.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  return chromium.launch({ executablePath: toolPath('chromium'), args });
}

/** A page in a fresh profile, and what went wrong in it: errors, warnings, refused requests. */
export interface OpenPage {
  readonly page: Page;
  readonly problems: string[];
  close(): Promise<void>;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems, close: () => context.close() };
}

/**
 * Fails naming what axe finds that keeps people with a disability out, in what is shown now.
 * @param rules only these of axe; default: all
 */
export async function expectAccessible(page: Page, rules?: readonly string[]): Promise<void> {
  if (!(await page.evaluate('"axe" in globalThis'))) {
    const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
    // Read through the debugger, which the page's policy on scripts does not concern.
    await page.evaluate(readFileSync(axe, 'utf8'));
  }
  const found = await page.evaluate(async (runOnly) => {
    const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResult> } };
    const { violations } = await axe.run({
      ...(runOnly && { runOnly }),
      resultTypes: ['violations'],
    });
    return violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes[0]?.html }));
  }, rules);
  expect(found.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
}

interface AxeResult {
  violations: { id: string; impact: string; nodes: { html: string }[] }[];
}
