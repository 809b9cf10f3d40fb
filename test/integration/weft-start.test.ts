import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { run } from '../../scripts/tools/program.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { weftCommand } from '../support/weft-process.ts';

/** Packages that take long to load, and what loads them. */
const HEAVY =
  /node_modules\/(@grpc|nice-grpc|protobufjs|@bufbuild|@opentelemetry|opossum|etcd3|yaml|pino)\b|\/(client-sdk|proto\/gen|proto\/src\/index)\b/g;
const preload = join(import.meta.dirname, '..', 'fixtures', 'loaded-modules.mjs');

/** Runs `weft` in a process of its own. Returns what it printed, and the heavy modules it loaded. */
async function startWeft(words: readonly string[], env: Record<string, string> = {}) {
  using folder = tempFolder();
  const [node = '', ...parameters] = weftCommand(words);
  const list = join(folder.path, 'loaded');
  const { code, output } = await run(node, ['--import', preload, ...parameters], {
    env: { ...process.env, LOADED_MODULES: list, ...env },
  });
  const loaded = readFileSync(list, 'utf8');
  return { code, output, heavy: [...new Set(loaded.match(HEAVY) ?? [])] };
}

describe('the start of weft', () => {
  it.each([
    [['--help'], /Commands:/],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
    [['-V'], /^\d+\.\d+\.\d+\n$/],
    [['help', 'call'], /Usage: .* call/],
    [['call', '--help'], /--registry/],
    [['completion', 'bash'], /complete -o default/],
    [['__complete', '--', 'sta'], /^status\t/],
    [['__complete', '--', 'call', '--reg'], /^--registry\t/],
    [['stats'], /Did you mean status/],
    [['stats', '--help'], /Did you mean status/],
    [['help', 'stats'], /Did you mean status/],
  ])('%j loads no gRPC, no SDK and no YAML', async (words, printed) => {
    const { output, heavy } = await startWeft(words);
    expect(output).toMatch(printed);
    expect(heavy).toEqual([]);
  });

  it('of `status` loads neither the SDK nor YAML nor reflection', async () => {
    const { output, heavy } = await startWeft(['status', '--file', '/nowhere/weft.yaml']);
    expect(output).toMatch(/no mesh is up/);
    const needed = ['node_modules/@grpc', 'node_modules/nice-grpc', 'node_modules/@bufbuild'];
    expect(heavy.filter((each) => !needed.includes(each))).toEqual(['/proto/gen']);
  });

  it('keeps compiled code in a folder of the user', async () => {
    using cache = tempFolder();
    const env = { XDG_CACHE_HOME: cache.path, NODE_COMPILE_CACHE: '' };
    expect(await startWeft(['--version'], env)).toMatchObject({ code: 0 });
    const [compiled = ''] = readdirSync(join(cache.path, 'weft', 'compiled'));
    expect(readdirSync(join(cache.path, 'weft', 'compiled', compiled)).length).toBeGreaterThan(1);
  });

  it('needs no folder to keep compiled code in', async () => {
    const env = { XDG_CACHE_HOME: '/dev/null', NODE_COMPILE_CACHE: '' };
    expect(await startWeft(['--version'], env)).toMatchObject({ code: 0 });
  });
});
