import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, root, run } from './program.ts';

const folder = join(root, '.cache', 'go-caller');
const program = join(folder, 'go-caller');
const source = join(root, 'test', 'fixtures', 'go-caller', 'main.go');
/** The module of the Go server of the orchestrator's README: the same packages. */
const goModule = join(root, 'test', 'fixtures', 'go-greeter');

/** The client of test/fixtures/go-caller; undefined unless it was built from the source as it is now. */
export function findGoCaller(): string | undefined {
  try {
    const built = readFileSync(join(folder, 'built-from.go'), 'utf8');
    return built === readFileSync(source, 'utf8') ? program : undefined;
  } catch {
    return undefined;
  }
}

/** Builds it. @returns why that is not possible; undefined if it is done */
export async function buildGoCaller(say: (text: string) => void): Promise<string | undefined> {
  const go = findProgram('go');
  if (go === undefined) return 'there is no Go to build it with';
  say('building the Go client of test/fixtures/go-caller ...');
  mkdirSync(folder, { recursive: true });
  for (const name of ['go.mod', 'go.sum']) copyFileSync(join(goModule, name), join(folder, name));
  copyFileSync(source, join(folder, 'main.go'));
  const build = await run(go, ['build', '-o', program, 'main.go'], { cwd: folder });
  if (build.code !== 0) return `go build failed: ${build.output.trim()}`;
  copyFileSync(source, join(folder, 'built-from.go'));
  return undefined;
}
