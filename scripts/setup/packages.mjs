import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runningProgram } from './running-program.mjs';

const modulesOf = (root) => join(root, 'node_modules');
/** Holds the hash of the package-lock.json that was installed; written last. */
const stampOf = (root) => join(modulesOf(root), '.weft-lock-hash');

function lockHash(root) {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Whether the packages of package-lock.json are installed. */
export function isInstalled(root) {
  return existsSync(stampOf(root)) && readFileSync(stampOf(root), 'utf8') === lockHash(root);
}

/** Runs `npm ci`. The packages that are there stay aside until it has succeeded, and come back if it fails. */
function replacePackages(root) {
  const modules = modulesOf(root);
  const before = join(root, '.cache', 'node_modules.before');
  // Without the stamp, an earlier set-up was killed while it installed: what it put aside is the last good one.
  if (existsSync(modules) && (existsSync(stampOf(root)) || !existsSync(before))) {
    mkdirSync(join(root, '.cache'), { recursive: true });
    rmSync(before, { recursive: true, force: true });
    renameSync(modules, before);
  }
  try {
    execFileSync('npm', ['ci', '--no-fund', '--no-audit'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      // Other settings of an enclosing `npm run` do not fit `npm ci`; this one would hide progress.
      env: { ...process.env, npm_config_loglevel: 'error' },
      shell: process.platform === 'win32',
    });
  } catch (error) {
    if (existsSync(before)) {
      rmSync(modules, { recursive: true, force: true });
      renameSync(before, modules);
    }
    throw error;
  }
  writeFileSync(stampOf(root), lockHash(root));
  rmSync(before, { recursive: true, force: true });
}

/**
 * Installs what package-lock.json names, unless a program runs on the packages that are there.
 * @param {string} root folder of package.json
 * @param {(text: string) => void} say
 * @returns {'installed' | 'kept' | 'failed'} whether the packages are new, or those before stay, as they are in use or
 * as `npm ci` failed
 */
export function installPackages(root, say) {
  const program = existsSync(stampOf(root)) ? runningProgram(root) : undefined;
  if (program !== undefined) {
    say(
      `package-lock.json has changed, but a program runs on the packages as they are: ${program.command} (pid ${program.pid}). They stay; stop it, then run \`npm run setup\`.`,
    );
    return 'kept';
  }
  say('installing the packages of package-lock.json (npm ci; a minute or two the first time) ...');
  const started = Date.now();
  try {
    replacePackages(root);
  } catch {
    const stay = existsSync(stampOf(root)) ? ' The packages installed before are there again.' : '';
    say(
      `npm ci failed; see its message above. Check the network and the npm registry, then run the same command again.${stay}`,
    );
    return 'failed';
  }
  say(`packages installed in ${Math.round((Date.now() - started) / 1000)} s`);
  return 'installed';
}
