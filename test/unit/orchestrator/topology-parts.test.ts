import { describe, expect, it } from '@jest/globals';
import { apartTopology } from '../../../orchestrator/src/topology/apart-topology.ts';
import { commandWords } from '../../../orchestrator/src/topology/command-words.ts';
import {
  dependencyLevels,
  findCycle,
} from '../../../orchestrator/src/topology/dependency-levels.ts';
import { parseTopology } from '../../../orchestrator/src/topology/parse-topology.ts';

describe('apartTopology', () => {
  it('has as many instances as asked for, on free ports, be it that a service follows its load', () => {
    const text =
      'services: { one: { command: run it, port: 7001, scale: { min: 2, max: 3, inFlight: 1 } } }';
    const apart = apartTopology(parseTopology(text, '/mesh/weft.yaml'), 1);
    expect(apart.services).toMatchObject([{ port: 0, instances: 1, scale: undefined }]);
  });
});

function node(name: string, ...dependencies: string[]) {
  return { name, dependencies };
}

describe('dependencyLevels', () => {
  it('puts each node after all it needs, as early as it can, in the given order', () => {
    const levels = dependencyLevels([
      node('payment', 'order'),
      node('mail'),
      node('order', 'user', 'mail'),
      node('user'),
    ]);
    expect(levels.map((level) => level.map(({ name }) => name))).toEqual([
      ['mail', 'user'],
      ['order'],
      ['payment'],
    ]);
  });
});

describe('findCycle', () => {
  it('finds none in a diamond', () => {
    expect(
      findCycle([node('a', 'b', 'c'), node('b', 'd'), node('c', 'd'), node('d')]),
    ).toBeUndefined();
  });

  it('names only the cycle, not the way to it', () => {
    expect(findCycle([node('x', 'a'), node('a', 'b'), node('b', 'a')])).toEqual(['a', 'b', 'a']);
  });
});

describe('commandWords', () => {
  it.each([
    ['node  --a=b c', ['node', '--a=b', 'c']],
    [`say "a b" 'c "d"' e"f"g`, ['say', 'a b', 'c "d"', 'efg']],
    ['a\\ b "c\\"d" \'\\n\'', ['a b', 'c"d', '\\n']],
    [String.raw`"\d+ \n" "a\\b" "\$\`"`, [String.raw`\d+ \n`, String.raw`a\b`, '$`']],
    ['"one \\\nline" two\\\n three', ['one line', 'two', 'three']],
    ['empty ""', ['empty', '']],
    ['  ', []],
    ['open "quote', undefined],
  ])('splits %j', (line, words) => {
    expect(commandWords(line)).toEqual(words);
  });
});
