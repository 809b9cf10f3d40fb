/**
 * Gets what the tests need besides npm packages: etcd, etcdctl, grpcurl, grpc-go's interop programs, a browser,
 * prometheus, promtool, a gRPC server in Go and in Python, and a client in Go. What cannot be had is written with the reason to
 * `.cache/missing-tools.json`; tests that need it are then skipped, saying why.
 */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findEtcd } from '../orchestrator/src/etcd/etcd-binary.ts';
import { buildGoCaller, findGoCaller } from './tools/build-go-caller.ts';
import {
  buildGoGreeter,
  findGoGreeter,
  findPythonGrpc,
  installPythonGrpc,
} from './tools/build-greeters.ts';
import { findChromium, installChromium } from './tools/install-chromium.ts';
import { installEtcd } from './tools/install-etcd.ts';
import { INTEROP_PROGRAMS, installGrpcInterop } from './tools/install-grpc-interop.ts';
import { installGrpcurl } from './tools/install-grpcurl.ts';
import { installPrometheus } from './tools/install-prometheus.ts';
import { findProgram, root } from './tools/program.ts';

const say = (text: string) => console.error(`test tools: ${text}`);

const missing: Record<string, string> = {};

async function provide(
  names: string[],
  isThere: () => boolean,
  install: (say: (text: string) => void) => Promise<string | undefined>,
): Promise<void> {
  if (isThere()) return;
  const reason = await install(say);
  if (reason === undefined && isThere()) {
    say(`${names.join(' and ')} installed`);
    return;
  }
  const why = reason ?? 'its installation reported success and left no program behind';
  for (const name of names) missing[name] = why;
  say(`${names.join(' and ')} cannot be had, tests that need it will be skipped: ${why}`);
}

await provide(
  ['etcd', 'etcdctl'],
  () => findEtcd() !== undefined && findProgram('etcdctl') !== undefined,
  installEtcd,
);
await provide(['chromium'], () => findChromium() !== undefined, installChromium);
await provide(['grpcurl'], () => findProgram('grpcurl') !== undefined, installGrpcurl);
const interop = Object.values(INTEROP_PROGRAMS);
await provide(
  interop,
  () => interop.every((name) => findProgram(name) !== undefined),
  installGrpcInterop,
);
await provide(['go-greeter'], () => findGoGreeter() !== undefined, buildGoGreeter);
await provide(['go-caller'], () => findGoCaller() !== undefined, buildGoCaller);
await provide(['python-grpc'], () => findPythonGrpc() !== undefined, installPythonGrpc);
await provide(
  ['prometheus', 'promtool'],
  () => findProgram('prometheus') !== undefined && findProgram('promtool') !== undefined,
  installPrometheus,
);

/** What the tests keep compiled, see jest.config.js: also of programs in folders that are gone. */
const compiled = join(root, '.cache', 'compiled');
const WEEK_MS = 7 * 24 * 3_600_000;
mkdirSync(compiled, { recursive: true });
for (const name of readdirSync(compiled, { recursive: true, encoding: 'utf8' })) {
  const path = join(compiled, name);
  // Another run may be at it.
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() && stats.mtimeMs < Date.now() - WEEK_MS) rmSync(path, { force: true });
}

const file = join(root, '.cache', 'missing-tools.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(missing, undefined, 2)}\n`);
say(
  Object.keys(missing).length === 0 ? 'all there' : `missing: ${Object.keys(missing).join(', ')}`,
);
