import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseEnvFile } from '../../../orchestrator/src/topology/env-file.ts';
import { loadTopology } from '../../../orchestrator/src/topology/load-topology.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const shell = (values: Record<string, string>) => ({ get: (name: string) => values[name] });

function read(text: string, values: Record<string, string> = {}) {
  return Object.fromEntries(parseEnvFile(text, shell(values)).values);
}

describe('a .env file', () => {
  it.each<[string, Record<string, string>]>([
    ['A=b', { A: 'b' }],
    ['\uFEFFA=b\r\nC=d\r\n', { A: 'b', C: 'd' }],
    ['# comment\n\n  A = b  # comment\nC=d#e', { A: 'b', C: 'd#e' }],
    ['export A=b', { A: 'b' }],
    ['A=\nB=""\nC= # nothing', { A: '', B: '', C: '' }],
    ['A=1.10\nB=012', { A: '1.10', B: '012' }],
    [`A="b c" # comment\nB='d "e" $F'`, { A: 'b c', B: 'd "e" $F' }],
    [String.raw`A="tab\there \"x\" \\ \d"`, { A: 'tab\there "x" \\ \\d' }],
    [String.raw`A='it\'s \n'`, { A: String.raw`it's \n` }],
    ['A="first\nsecond"\nB=c', { A: 'first\nsecond', B: 'c' }],
    ['A=b=c', { A: 'b=c' }],
    ['A=it\'s "so"', { A: 'it\'s "so"' }],
    ['A=b\nA=c', { A: 'c' }],
    ['A', {}],
  ])('reads %j', (text, values) => {
    expect(parseEnvFile(text, shell({})).problems).toEqual([]);
    expect(read(text)).toEqual(values);
  });

  it('refers to the shell first, then to the lines above', () => {
    const text = `A=\${ZONE}\nB="\${A}-\${LATER:-none}"\nC='\${A}'\nD="\\\${A} $$A"\nLATER=x`;
    expect(read(text, { ZONE: 'z' })).toEqual({
      A: 'z',
      B: 'z-none',
      C: `\${A}`,
      D: `\${A} $A`,
      LATER: 'x',
    });
    expect(read('A=b\nB=$A', { A: 'shell' }).B).toBe('shell');
  });

  it('names the lines that cannot be read', () => {
    const text = `A=b\nthis is it\nC="open\nD=\${\nE=f`;
    const { problems, values } = parseEnvFile(text, shell({}));
    expect(problems).toEqual([
      expect.stringMatching(/^2: is no NAME=value/),
      expect.stringMatching(/^3: is no NAME=value; a value in quotes needs the closing one/),
      expect.stringMatching(/^4: D has a \$ that starts no/),
    ]);
    expect([...values]).toEqual([
      ['A', 'b'],
      ['E', 'f'],
    ]);
  });

  it('beside weft.yaml gives values to it, unless the shell does', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'weft.yaml');
    const lines = [`A: \${WEFT_TEST_ONE}`, `B: \${WEFT_TEST_TWO}`, `C: \${WEFT_TEST_THREE:-c}`];
    writeFileSync(
      file,
      `services:\n  one:\n    command: run\n    environment:\n      ${lines.join('\n      ')}`,
    );
    writeFileSync(join(folder.path, '.env'), 'WEFT_TEST_ONE=file\nWEFT_TEST_TWO=file');
    process.env.WEFT_TEST_TWO = 'shell';
    try {
      const environment = { A: 'file', B: 'shell', C: 'c' };
      expect(loadTopology(file).services[0]?.environment).toEqual(environment);
    } finally {
      delete process.env.WEFT_TEST_TWO;
    }
    writeFileSync(join(folder.path, '.env'), 'what is this');
    expect(() => loadTopology(file)).toThrow(`${join(folder.path, '.env')}:1: is no NAME=value`);
  });
});
