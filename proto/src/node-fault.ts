/** The oldest Node that runs Weft. Keep it in step with `engines` in package.json. */
const OLDEST = [22, 18] as const;

/**
 * Why a version of Node cannot run Weft, and what to do; undefined if it can. This module imports nothing and uses
 * no new syntax, as old versions of Node load it.
 */
export function nodeFault(version: string): string | undefined {
  const [major = 0, minor = 0] = version.replace('v', '').split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `weft needs Node ${OLDEST.join('.')} or newer, and this is ${version}. In a project, \`npm install --save-dev node@24\` brings one that npm and npx use.`;
}
