import { describe, expect, it } from '@jest/globals';
import { Command, Option } from 'commander';
import {
  complete,
  readWords,
  shortMethods,
} from '../../../../orchestrator/src/completion/complete.ts';
import { quoted } from '../../../../orchestrator/src/completion/shell-scripts.ts';

function program(): Command {
  const weft = new Command('weft').option('--file <path>', 'the description');
  weft.command('status').description('show it').option('--json', 'as JSON');
  weft.command('scale').argument('<service=n>');
  weft.command('drain').argument('<service>').argument('[instance]');
  weft
    .command('call')
    .argument('<service>')
    .argument('<method>')
    .option('--registry <address>', 'whom to ask');
  weft
    .command('events')
    .option('--service <service>', 'only of it')
    .option('-n, --lines <n>', 'how many');
  weft.command('list').addOption(new Option('--status <status>', 'which').choices(['UP', 'DOWN']));
  const registry = weft.command('registry');
  registry.command('export').argument('[file]');
  weft.command('__complete', { hidden: true });
  return weft;
}

const mesh = {
  services: async () => ['user-service', 'order-service'],
  instances: async (service: string) => [`${service}-1`],
  methods: async (service: string) => (service === 'user-service' ? ['GetUser'] : []),
};

async function words(...typed: string[]): Promise<string[]> {
  const read = readWords(program(), typed.slice(0, -1));
  return (await complete(read, typed.at(-1) ?? '', mesh)).map(({ word }) => word);
}

describe('complete', () => {
  it.each([
    [['s'], ['status', 'scale']],
    [['__'], []],
    [
      ['status', '--'],
      ['--json', '--file', '--help'],
    ],
    [['scale', 'u'], ['user-service=']],
    [
      ['drain', ''],
      ['user-service', 'order-service'],
    ],
    [['drain', 'user-service', ''], ['user-service-1']],
    [['drain', 'user-service', 'x', ''], []],
    [['--file', 'drain', 'drain', 'o'], ['order-service']],
    [['call', '--registry', 'a:1', 'user-service', 'G'], ['GetUser']],
    [['call', '--registry=a:1', 'user-service', 'G'], ['GetUser']],
    [['events', '-n', '5', '--service', 'o'], ['order-service']],
    [['events', '--service=o'], ['--service=order-service']],
    [
      ['list', '--status', ''],
      ['UP', 'DOWN'],
    ],
    [['registry', ''], ['export']],
    [['registry', 'export', ''], []],
    [['nothing', ''], []],
  ])('%j may go on with %j', async (typed, expected) => {
    expect(await words(...typed)).toEqual(expected);
  });

  it('knows the options given before', () => {
    const { values } = readWords(program(), ['--file', 'x.yaml', 'call', '--registry=a:1']);
    expect([...values]).toEqual([
      ['--file', 'x.yaml'],
      ['--registry', 'a:1'],
    ]);
  });
});

it('methods are as short as they are clear', () => {
  expect(shortMethods(['a.A/Get', 'b.B/Get', 'b.B/Put'])).toEqual(['a.A/Get', 'b.B/Get', 'Put']);
});

it('words are quoted for a shell', () => {
  expect(quoted(['node', "it's here", '$x'])).toBe(`node 'it'\\''s here' '$x'`);
});
