import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe } from '@jest/globals';
import { findEtcd } from '../../orchestrator/src/etcd/etcd-binary.ts';
import { findGoCaller } from '../../scripts/tools/build-go-caller.ts';
import { findGoGreeter, findPythonGrpc } from '../../scripts/tools/build-greeters.ts';
import { findChromium } from '../../scripts/tools/install-chromium.ts';
import { findProgram, root } from '../../scripts/tools/program.ts';

/** Programs that tests use and that a machine may lack. */
export type Tool =
  | 'etcd'
  | 'etcdctl'
  | 'grpcurl'
  | 'grpc-interop-client'
  | 'grpc-interop-server'
  | 'openssl'
  | 'chromium'
  | 'prometheus'
  | 'promtool'
  | 'go-greeter'
  | 'go-caller'
  | 'python-grpc';

const finders: Partial<Record<Tool, () => string | undefined>> = {
  etcd: findEtcd,
  chromium: findChromium,
  'go-greeter': findGoGreeter,
  'go-caller': findGoCaller,
  'python-grpc': findPythonGrpc,
};

function pathOf(tool: Tool): string | undefined {
  const find = finders[tool];
  return find === undefined ? findProgram(tool) : find();
}

// Processes that tests start find them too, wherever they are.
const folders = (['etcd', 'etcdctl', 'grpcurl'] as const)
  .map(pathOf)
  .filter((path) => path !== undefined)
  .map((path) => dirname(path));
process.env.PATH = [process.env.PATH ?? '', ...new Set(folders)].join(delimiter);

/** The path of a program. @throws Error when this machine has none. */
export function toolPath(tool: Tool): string {
  const path = pathOf(tool);
  if (path === undefined) throw new Error(`${tool} is not there: ${reasonMissing(tool)}`);
  return path;
}

function reasonMissing(tool: Tool): string {
  const file = join(root, '.cache', 'missing-tools.json');
  const reasons: Record<string, string> = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : {};
  return reasons[tool] ?? 'it is not installed; `npm test` installs it';
}

/** `describe`, skipped where a program is missing; the reason then stands in its name. */
export function describeWith(tools: readonly Tool[], name: string, tests: () => void): void {
  const missing = tools.filter((tool) => pathOf(tool) === undefined);
  if (missing.length === 0) {
    describe(name, tests);
    return;
  }
  const reasons = new Set(missing.map(reasonMissing));
  describe.skip(`${name} [skipped, no ${missing.join(', ')}: ${[...reasons].join('; ')}]`, tests);
}
