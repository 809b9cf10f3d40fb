import { aptInstall } from './apt-install.ts';
import { findProgram } from './program.ts';

/** The browser of the tests: `$CHROMIUM_BIN`, or Chromium or Chrome from PATH; undefined: there is none. */
export function findChromium(): string | undefined {
  const { CHROMIUM_BIN } = process.env;
  if (CHROMIUM_BIN) return CHROMIUM_BIN;
  return ['chromium', 'chromium-browser', 'google-chrome']
    .map(findProgram)
    .find((path) => path !== undefined);
}

/** Gets Chromium from Debian's package. Answers why that is not possible, else undefined. */
export async function installChromium(say: (text: string) => void): Promise<string | undefined> {
  const byHand = 'install Chromium or set CHROMIUM_BIN to one';
  if (findProgram('apt-get') === undefined) return `there is no apt-get to get it with: ${byHand}`;
  if (process.getuid?.() !== 0) return `only root can install it: ${byHand}`;
  say('chromium is missing: installing it with apt-get ...');
  return await aptInstall(['chromium']);
}
