import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from '../tools/program.ts';
import type { Rule } from './rule.ts';

async function commitOf(ref: string): Promise<string | undefined> {
  const { code, output } = await run('git', [
    'rev-parse',
    '--verify',
    '--quiet',
    `${ref}^{commit}`,
  ]);
  return code === 0 ? output.trim() : undefined;
}

/** What the contracts are compared with: main, or its parent when main itself is checked out. */
async function baseline(): Promise<{ ref: string; commit: string } | undefined> {
  const head = await commitOf('HEAD');
  for (const ref of ['origin/main', 'main', 'HEAD~1']) {
    const commit = await commitOf(ref);
    if (commit !== undefined && commit !== head) return { ref, commit };
  }
  return undefined;
}

export const breaking: Rule = {
  name: 'contracts break no client (buf breaking)',
  async check() {
    const base = await baseline();
    if (base === undefined) {
      return { breaches: [], note: 'nothing to compare with: no main and no earlier commit here' };
    }
    const { ref, commit } = base;
    const named = `${ref} (${commit.slice(0, 7)})`;
    const folder = mkdtempSync(join(tmpdir(), 'weft-breaking-'));
    try {
      const archive = join(folder, 'contracts.tar');
      // Not buf's own git input: this works in worktrees and shallow clones too.
      const packed = await run('git', ['archive', `--output=${archive}`, `${commit}:proto`]);
      if (packed.code !== 0) {
        return { breaches: [], note: `nothing to compare with: ${named} has no contracts` };
      }
      const buf = join(root, 'node_modules', '.bin', 'buf');
      const { code, output } = await run(buf, ['breaking', '--against', archive], {
        cwd: join(root, 'proto'),
      });
      return {
        breaches: code === 0 ? [] : [`compared with ${named}:`, output.trim()],
        note: `compared with ${named}`,
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
