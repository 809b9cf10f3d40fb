import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from '../tools/program.ts';
import type { Rule } from './rule.ts';
import { trackedFiles } from './tracked-files.ts';

const MAX_LINES = 350;

/** Whether a file is written by us, by hand: not the lock file, the licence, or gRPC's and Google's contracts. */
function isOurs(path: string): boolean {
  return !/^(package-lock\.json|LICENSE)$|^proto\/(grpc|google)\//.test(path);
}

/** Lines of a text, the last one with or without its line end. */
export function lineCount(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

export const lines: Rule = {
  name: `no file over ${MAX_LINES} lines`,
  async check() {
    const breaches: string[] = [];
    for (const path of (await trackedFiles()).filter(isOurs)) {
      const count = lineCount(readFileSync(join(root, path), 'utf8'));
      if (count > MAX_LINES) breaches.push(`${path}: ${count} lines; split it by concept`);
    }
    return { breaches };
  },
};

/** Whether every part of a path is kebab-case: `like-this.test.ts`. */
export function isKebabCase(path: string): boolean {
  return path
    .split('/')
    .every((part) => /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/.test(part));
}

/** Names that others fix, or that are snake_case by the rules of protobuf. */
function isNamedByOthers(path: string): boolean {
  return /(^|\/)README\.md$|^LICENSE$|\.proto$/.test(path);
}

export const names: Rule = {
  name: 'file names are kebab-case',
  async check() {
    const odd = (await trackedFiles()).filter(
      (path) => !isNamedByOthers(path) && !isKebabCase(path),
    );
    return { breaches: odd.map((path) => `${path}: not kebab-case`) };
  },
};

export const notCommitted: Rule = {
  name: 'generated code and builds are not committed',
  async check() {
    const { output } = await run('git', ['ls-files', '--', 'proto/gen', '*/dist/*', '.cache']);
    const committed = output.split('\n').filter(Boolean);
    return { breaches: committed.map((path) => `${path}: generated; git rm --cached it`) };
  },
};
