/**
 * Makes the pictures of the README, of a shop in use: page.png of the registry's web page, in Chromium, and
 * top.svg of `weft top`. `npm run pictures`, where Chromium is installed.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { onMeshApart } from '../../orchestrator/src/commands/mesh-apart.ts';
import type { Supervisor } from '../../orchestrator/src/supervisor.ts';
import { loadTopology } from '../../orchestrator/src/topology/load-topology.ts';
import { findProgram, root } from '../tools/program.ts';
import { buySteadily } from './buy-steadily.ts';
import { terminalPicture } from './terminal-picture.ts';

/** Until rates are those of the load. */
const WARM_UP_MS = 15_000;

const here = import.meta.dirname;

function pageAddress({ slots }: Supervisor): string {
  const log = slots.find(({ name }) => name === 'registry')?.logFile ?? '';
  const [, http] = /"http":"([^"]+)"/.exec(readFileSync(log, 'utf8')) ?? [];
  return `http://${http}/`;
}

async function picturePage(url: string, executablePath: string): Promise<void> {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 820 } });
    await page.goto(url);
    await page.locator('[data-service]').nth(2).waitFor();
    await pause(5000);
    await page.screenshot({ path: join(here, 'page.png') });
  } finally {
    await browser.close();
  }
}

async function pictureTop(registry: string): Promise<void> {
  const main = join(root, 'orchestrator', 'src', 'main.ts');
  const words = ['--conditions=weft-source', main, 'top', '--once', '--registry', registry];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const isHead = (line: string) => /^(SERVICE|INSTANCE) /.test(line);
  writeFileSync(join(here, 'top.svg'), terminalPicture('weft top', stdout, isHead));
}

const browser = findProgram('chromium') ?? findProgram('google-chrome');
if (browser === undefined) throw new Error('no Chromium is installed: apt-get install chromium');
const topology = loadTopology(join(root, 'weft.yaml'));
await onMeshApart({ topology, instances: 2, purpose: 'pictures' }, async (supervisor) => {
  const { registryAddress } = supervisor;
  const ended = new AbortController();
  const buying = buySteadily(registryAddress, ended.signal);
  await pause(WARM_UP_MS);
  await picturePage(pageAddress(supervisor), browser);
  await pictureTop(registryAddress);
  ended.abort();
  await buying;
});
