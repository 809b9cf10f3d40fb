import { run } from './program.ts';

/** What a program said last: mostly why it failed. */
export function lastLine(output: string): string {
  return output.trimEnd().split('\n').at(-1) ?? '';
}

/** Gives the machine packages of Debian; needs root. Answers why not, undefined when it has them. */
export async function aptInstall(packages: readonly string[]): Promise<string | undefined> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env });
  if ((await install()).code === 0) return undefined;
  // The list of packages may be missing or old.
  await run('apt-get', ['update'], { env });
  const { code, output } = await install();
  return code === 0 ? undefined : `apt-get install failed: ${lastLine(output)}`;
}
