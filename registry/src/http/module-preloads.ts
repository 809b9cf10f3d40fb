/** What a module says it needs; not what it gets when it is time (`import(...)`). */
const IMPORT = /(?:\bfrom|\bimport)\s*["']([^"']+)["']/g;

/**
 * The paths of all modules that a module needs before it runs, itself first, so that a browser can ask for
 * them at once rather than as it finds them.
 * @param bare paths of what is imported by name
 * @param textOf the code at a path
 */
export function neededModules(
  start: string,
  bare: Readonly<Record<string, string>>,
  textOf: (path: string) => string,
): string[] {
  const found = new Set([start]);
  for (const path of found) {
    for (const [, name = ''] of textOf(path).matchAll(IMPORT)) {
      const isBeside = name.startsWith('.');
      const needed = isBeside ? new URL(name, `http://page${path}`).pathname : bare[name];
      if (needed !== undefined) found.add(needed);
    }
  }
  return [...found];
}
