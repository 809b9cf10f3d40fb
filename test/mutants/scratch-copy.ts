import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from '../../scripts/tools/program.ts';
import { type Mutant, mutated } from './mutations.ts';

const SHARED = ['bin', 'etcd', 'prometheus', 'missing-tools.json'];

/** Runs a program in the copy. @throws Error with its output if it fails */
async function must(program: string, args: string[], cwd: string): Promise<string> {
  const { code, output } = await run(program, args, { cwd });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed:\n${output}`);
  return output;
}

/** A copy of the work tree, in which mutants are tried: the work tree itself never changes. */
export class ScratchCopy implements Disposable {
  readonly folder: string;
  /** All TypeScript files of the copy, paths from its root. */
  readonly files: readonly string[];

  private constructor(folder: string, files: readonly string[]) {
    this.folder = folder;
    this.files = files;
  }

  /** Makes the copy in a new temporary folder. */
  static async create(): Promise<ScratchCopy> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'weft-mutants-')));
    mkdirSync(join(folder, '.cache'), { recursive: true });
    const listed = await must('git', ['ls-files', '-co', '--exclude-standard'], root);
    const files = listed.split('\n').filter((path) => path !== '');
    for (const path of [...files, 'proto/gen']) {
      cpSync(join(root, path), join(folder, path), { recursive: true });
    }
    // Links to the packages of the work tree are relative, and lead to the copy here. Hard links take no
    // space and no time; they are not possible on another file system.
    const modules = [join(root, 'node_modules'), join(folder, 'node_modules')];
    const { code } = await run('cp', ['-al', ...modules]);
    if (code !== 0) {
      rmSync(join(folder, 'node_modules'), { recursive: true, force: true });
      await must('cp', ['-a', ...modules], root);
    }
    for (const name of SHARED)
      symlinkSync(join(root, '.cache', name), join(folder, '.cache', name));
    return new ScratchCopy(
      folder,
      files.filter((path) => path.endsWith('.ts')),
    );
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  /** Runs `work` while the mutant is in place. */
  async with<T>(mutant: Mutant, work: () => Promise<T>): Promise<T> {
    const text = this.read(mutant.file);
    const path = join(this.folder, mutant.file);
    writeFileSync(path, mutated(text, mutant));
    try {
      return await work();
    } finally {
      writeFileSync(path, text);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
