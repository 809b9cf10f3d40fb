import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findProgram, run } from '../../scripts/tools/program.ts';
import { TestMesh } from '../support/test-mesh.ts';
import { runWeftHere } from '../support/weft-here.ts';
import { weftCommand } from '../support/weft-process.ts';

let stage: TestMesh;

beforeAll(async () => {
  stage = await TestMesh.start();
  await stage.serve('user-service', ['user-a', 'user-b'], { ttlSeconds: 60 });
});
afterAll(() => stage.close());

const linesOf = (text: string) => text.trimEnd().split('\n');

describe('completion', () => {
  const bash = findProgram('bash');

  (bash ? it : it.skip)(
    'in bash: commands, services, instances, methods, options',
    async () => {
      const { address } = stage.registry;
      const lines = [
        'weft sta',
        'weft drain user-service ',
        `weft call --registry ${address} user-service Get`,
        'weft events --service=us',
        'weft instances --status R',
      ];
      const quoted = weftCommand(['completion', 'bash']).map((word) => `'${word}'`);
      const script = `eval "$(${quoted.join(' ')})"
      try() {
        COMP_LINE="$1"; COMP_POINT=\${#1}; COMP_WORDS=("\${@:2}")
        COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _weft; echo "$1: \${COMPREPLY[*]}"
      }
      try '${lines[0]}' weft sta &
      try '${lines[1]}' weft drain user-service '' &
      try '${lines[2]}' weft call --registry 127.0.0.1 : 1 user-service Get &
      try '${lines[3]}' weft events --service = us &
      try '${lines[4]}' weft instances --status R
      wait`;
      const { output, code } = await run(bash ?? '', ['-c', script], {
        env: { ...process.env, WEFT_REGISTRY: address },
      });
      expect({ code, lines: linesOf(output).sort() }).toEqual({
        code: 0,
        lines: [
          `${lines[0]}: status`,
          `${lines[1]}: user-a user-b`,
          `${lines[2]}: GetUser`,
          `${lines[3]}: user-service`,
          `${lines[4]}: RUNNING`,
        ].sort(),
      });
    },
    90_000,
  );

  it('is printed for zsh and fish too, and for no other shell', async () => {
    expect((await runWeftHere(['completion', 'zsh'])).stdout).toMatch(/^#compdef weft$/m);
    expect((await runWeftHere(['completion', 'fish'])).stdout).toMatch(/complete -c weft -f -a/);
    expect(await runWeftHere(['completion', 'tcsh'])).toMatchObject({ code: 2 });
  });
});
