import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Ended, root, run } from '../../scripts/tools/program.ts';
import { tempFolder } from './temp-folder.ts';

/** A copy of this repository's files in a folder and a git of its own, to break at will. */
export interface ScratchRepository extends Disposable {
  readonly path: string;
  /** Runs git in it. @throws Error when git fails. */
  git(...args: string[]): Promise<string>;
  /** Runs one of its scripts with the Node that runs this. */
  node(...args: string[]): Promise<Ended>;
}

async function ourFiles(): Promise<string[]> {
  const { output } = await run('git', ['ls-files', '-co', '--exclude-standard']);
  // Without what was removed and is not committed yet. No look at all there is: others build here meanwhile.
  return output.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));
}

/** Links the installed packages, so that nothing is installed; Weft's own lead to the copy. */
function linkPackages(path: string): void {
  const modules = join(path, 'node_modules');
  mkdirSync(join(modules, '@weft'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@weft') symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  const own = {
    proto: 'proto',
    registry: 'registry',
    'client-sdk': 'client-sdk',
    'service-kit': 'services/shared',
  };
  for (const [name, folder] of Object.entries(own)) {
    symlinkSync(join(path, folder), join(modules, '@weft', name));
  }
}

/** Copies the files of git and new ones, with the generated code. One commit, on branch main. */
export async function createScratchRepository(): Promise<ScratchRepository> {
  const folder = tempFolder('weft-scratch-');
  const path = join(folder.path, 'weft');
  for (const file of [...(await ourFiles()), 'proto/gen']) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    cpSync(join(root, file), join(path, file), { recursive: true });
  }
  linkPackages(path);
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=Weft', '-c', 'user.email=weft@example.org'];
    const { code, output } = await run('git', [...identity, ...args], { cwd: path });
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${output}`);
    return output;
  };
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '.');
  await git('commit', '--quiet', '-m', 'A copy');
  return {
    path,
    git,
    node: (...args) => run(process.execPath, args, { cwd: path }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
