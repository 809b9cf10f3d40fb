import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { importsOf } from '../../scripts/check/imports.ts';

/** Programs that tests start as processes, by the support files that start them. */
const STARTED: Readonly<Record<string, readonly string[]>> = {
  'test/support/weft-process.ts': ['orchestrator/src/main.ts'],
  'test/support/registry-process.ts': ['registry/src/main.ts'],
  'test/support/shop-mesh.ts': [
    'services/user/src/main.ts',
    'services/order/src/main.ts',
    'services/payment/src/main.ts',
  ],
};

/** Which test files load a source file, directly or through others. */
export class RelatedTests {
  readonly #importers = new Map<string, Set<string>>();

  /** @param files paths of all TypeScript files from `root` */
  constructor(root: string, files: readonly string[]) {
    const exports = new Map<string, string>();
    for (const name of ['proto', 'registry', 'client-sdk', 'orchestrator', 'services/shared']) {
      const manifest = JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8'));
      for (const [path, target] of Object.entries<Record<string, string>>(manifest.exports ?? {})) {
        const source = target['weft-source'] ?? String(target);
        exports.set(normalize(join(manifest.name, path)), normalize(join(name, source)));
      }
    }
    for (const file of files) {
      for (const { clause, from } of importsOf(readFileSync(join(root, file), 'utf8'))) {
        if (/^type\s/.test(clause)) continue;
        const path = from.startsWith('.') ? join(dirname(file), from) : exports.get(from);
        if (path !== undefined && existsSync(join(root, path))) this.#add(path, file);
      }
      for (const program of STARTED[file] ?? []) this.#add(program, file);
    }
  }

  /** Test files that load `file`, the nearest first: the one that imports it itself. */
  of(file: string): string[] {
    const seen = new Set([file]);
    for (const each of seen)
      for (const importer of this.#importers.get(each) ?? []) seen.add(importer);
    return [...seen].filter((path) => path.endsWith('.test.ts'));
  }

  #add(file: string, importer: string): void {
    const importers = this.#importers.get(file) ?? new Set();
    importers.add(importer);
    this.#importers.set(file, importers);
  }
}
