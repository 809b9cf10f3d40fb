/**
 * Makes a fresh clone ready: installs what package-lock.json names, generates code from the contracts.
 * Does nothing, quickly, when all is there. Runs on any Node >= 20, before anything is installed, so
 * it imports nothing but Node. `--quiet` prints only when there is something to do.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.weft-lock-hash');
const quiet = process.argv.includes('--quiet');
const pinnedNode = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies
  .node;

function say(text) {
  console.error(`setup: ${text}`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash();
}

function install() {
  say('installing the packages of package-lock.json (npm ci; a minute or two the first time) ...');
  const started = Date.now();
  try {
    execFileSync('npm', ['ci', '--no-fund', '--no-audit'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      // Other settings of an enclosing `npm run` do not fit `npm ci`; this one would hide progress.
      env: { ...process.env, npm_config_loglevel: 'error' },
      shell: process.platform === 'win32',
    });
  } catch {
    fail(
      'npm ci failed; see its message above. Check the network and the npm registry, then run the same command again.',
    );
  }
  writeFileSync(stamp, lockHash());
  say(`packages installed in ${Math.round((Date.now() - started) / 1000)} s`);
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
  if (version !== `v${pinnedNode}`) {
    fail(
      `node_modules/.bin/node is ${version}, wanted v${pinnedNode}. Its install script did not run; allow install scripts (npm config get ignore-scripts) and remove node_modules.`,
    );
  }
}

if (!isInstalled()) {
  install();
  checkPinnedNode();
}
const { generate, isCurrent } = await import('./generate.mjs');
if (!isCurrent()) {
  say('generating code from the contracts (buf generate) ...');
  generate();
}
if (!quiet) say('ready');
