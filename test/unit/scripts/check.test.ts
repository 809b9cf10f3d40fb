import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  createScratchRepository,
  type ScratchRepository,
} from '../../support/scratch-repository.ts';

const exported = (name: string) => `export const ${name} = 1;\n`;

/** One breach of each rule: file and content. */
const breaches: Record<string, string> = {
  'registry/src/planted.ts': "export { createMesh } from '@weft/client-sdk';\n",
  'services/order/src/planted.ts': "export { users } from '../../user/src/repository.ts';\n",
  'services/user/src/planted.ts': "export { Etcd3 } from 'etcd3';\n",
  'client-sdk/src/planted.ts': "export { experimental } from '@grpc/grpc-js';\n",
  'client-sdk/src/balancer/planted.ts': "export { status } from '@grpc/grpc-js';\n",
  'client-sdk/src/breaker/planted.ts': "export { Link } from '../grpc/link.ts';\n",
  'orchestrator/src/planted.ts': "export { parse } from 'undeclared-package';\n",
  'proto/src/planted-one.ts': "export { two } from './planted-two.ts';\nexport const one = 1;\n",
  'proto/src/planted-two.ts': "export { one } from './planted-one.ts';\nexport const two = 2;\n",
  'proto/src/planted-long.ts': `${'// a line\n'.repeat(350)}${exported('long')}`,
  'proto/src/planted-unformatted.ts': 'export const   unformatted=1\n',
  'proto/src/planted-types.ts': "export const count: number = 'three';\n",
  'registry/src/page/planted-view.ts': 'export const wide: number = document.title;\n',
  'proto/src/planted-enum.ts': 'export enum Planted {\n  one,\n}\n',
  'proto/src/Planted_Name.ts': exported('named'),
  'proto/user/v1/planted.proto': 'syntax = "proto3";\n\npackage user.v1;\n\nmessage planted {}\n',
};

describe('npm run check', () => {
  let scratch: ScratchRepository;

  beforeAll(async () => {
    scratch = await createScratchRepository();
  });

  afterAll(() => scratch[Symbol.dispose]());

  /** All rules, or those that words name. */
  const check = (...words: string[]) => scratch.node('scripts/check.ts', ...words);

  it('compares the contracts with nothing on the first commit, and says so', async () => {
    const { output } = await check('breaking', 'one way', 'generated', 'platform');
    expect(output).toMatch(/pass {2}contracts break no client.*nothing to compare with/);
    expect(output).toMatch(/pass {2}dependencies point one way/);
    expect(output).toMatch(/pass {2}generated code is made from the contracts as they stand/);
    expect(output).toMatch(/pass {2}package-lock.json holds every platform/);
  });

  it('compares the contracts with main, or its parent on main itself, detached or not', async () => {
    await scratch.git('commit', '--quiet', '--allow-empty', '-m', 'Another');
    expect((await check('breaking')).output).toMatch(/pass {2}contracts break.*with HEAD~1 \(/);
    await scratch.git('checkout', '--quiet', '--detach', 'HEAD~1');
    expect((await check('breaking')).output).toMatch(/pass {2}contracts break.*with main \(/);
    await scratch.git('checkout', '--quiet', 'main');
  });

  it('refuses a word that names no rule', async () => {
    const { code, output } = await check('breaking', 'nonsense');
    expect({ code, output }).toEqual({
      code: 1,
      output: expect.stringMatching(/name: nonsense$/m),
    });
  });

  it('names every breach by its file and ends with 1', async () => {
    for (const [file, text] of Object.entries(breaches)) {
      writeFileSync(join(scratch.path, file), text);
    }
    rmSync(join(scratch.path, 'proto/user/v1/user.proto'));
    await scratch.git('add', '--force', 'proto/gen');
    const lock = join(scratch.path, 'package-lock.json');
    writeFileSync(
      lock,
      JSON.stringify({
        packages: { 'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0' } } },
      }),
    );

    const { code, output } = await check();
    const told = (rule: string) =>
      output.split(/^(?=FAIL|pass|\d)/m).find((part) => part.includes(rule));
    expect(code).toBe(1);
    expect(output).not.toMatch(/^pass/m);
    expect(output).toMatch(/0 of 11 house rules hold\n$/);

    const lint = told('format, lint, no import cycles');
    expect(lint).toMatch(/planted-unformatted\.ts format/);
    expect(lint).toMatch(/planted-one\.ts\S* lint\/suspicious\/noImportCycles/);
    const direction = told('dependencies point one way');
    expect(direction).toMatch(/client-sdk\/src\/balancer\/planted\.ts:1: .* know of no transport/);
    expect(direction).toMatch(/client-sdk\/src\/breaker\/planted\.ts:1: .* know of no transport/);
    expect(direction).toMatch(/registry\/src\/planted\.ts:1: .* registry may import @weft\/proto/);
    expect(direction).toMatch(/services\/order\/src\/planted\.ts:1: .* leaves services\/order/);
    expect(direction).toMatch(/services\/user\/src\/planted\.ts:1: .*only registry\/src\/store/);
    expect(direction).toMatch(/client-sdk\/src\/planted\.ts:1: .*only client-sdk\/src\/grpc-exp/);
    expect(direction).toMatch(/orchestrator\/src\/planted\.ts:1: .*package.json does not name it/);
    const types = told('types (tsc)');
    expect(types).toMatch(/planted-types\.ts/);
    expect(types).toMatch(/planted-enum\.ts/);
    expect(told('types of the web page')).toMatch(/planted-view\.ts/);
    expect(told('buf lint')).toMatch(/planted\.proto/);
    expect(told('buf breaking')).toMatch(/deleted from package "user\.v1"/);
    expect(told('generated code is made from')).toMatch(/npm run generate/);
    expect(told('are not committed')).toMatch(/proto\/gen\/user\/v1\/user\.ts/);
    expect(told('no file over 350 lines')).toMatch(/planted-long\.ts: 351 lines/);
    expect(told('kebab-case')).toMatch(/Planted_Name\.ts/);
    expect(told('every platform')).toMatch(/node_modules\/a names a-linux@1\.0\.0/);
  });
});
