/**
 * Makes a fresh clone ready: installs what package-lock.json names, generates code from the contracts.
 * Does nothing, quickly, when all is there. Runs on any Node >= 20, before anything is installed, so
 * it imports nothing but Node. Two at once take turns.
 *
 * `--quiet` prints only when there is something to do. If the packages cannot be brought up to date then, it
 * leaves the command to those that are there: a mesh that is up must be stoppable without a network.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './setup/lock.mjs';
import { installPackages, isInstalled } from './setup/packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const quiet = process.argv.includes('--quiet');
const pinnedNode = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies
  .node;

function say(text) {
  console.error(`setup: ${text}`);
}

function checkPinnedNode() {
  let version;
  try {
    version = execFileSync(join(modules, '.bin', 'node'), ['--version'], {
      encoding: 'utf8',
    }).trim();
  } catch {
    version = 'none';
  }
  if (version === `v${pinnedNode}`) return true;
  say(
    `node_modules/.bin/node is ${version}, wanted v${pinnedNode}. Its install script did not run; allow install scripts (npm config get ignore-scripts) and remove node_modules.`,
  );
  return false;
}

/** Returns whether the packages can be used. */
function providePackages() {
  if (isInstalled(root)) return true;
  const outcome = installPackages(root, say);
  if (outcome === 'installed') return checkPinnedNode();
  return outcome === 'kept' || (quiet && existsSync(modules));
}

async function isCodeCurrent() {
  const { isCurrent } = await import('./generate.mjs');
  return isCurrent();
}

async function provideAll() {
  if (!providePackages()) return false;
  if (await isCodeCurrent()) return true;
  say('generating code from the contracts (buf generate) ...');
  const { generate } = await import('./generate.mjs');
  generate();
  return true;
}

if (!isInstalled(root) || !(await isCodeCurrent())) {
  const onWait = (pid) => say(`another set-up is at work (pid ${pid}); waiting for it`);
  const isReady = await withLock(join(root, '.cache', 'setup.lock'), onWait, provideAll);
  if (!isReady) process.exit(1);
}
if (!quiet) say('ready');
