import type { Argument, Command, Option } from 'commander';

/** A word that may come next, and what it is. */
export interface Candidate {
  readonly word: string;
  readonly text: string;
}

/** What only the mesh knows. Each answers nothing where it cannot be asked. */
export interface MeshWords {
  services(): Promise<readonly string[]>;
  instances(service: string): Promise<readonly string[]>;
  /** Methods that `call` can call, as short as they are clear. */
  methods(service: string): Promise<readonly string[]>;
}

/** The words before the one to complete, as commander would read them. */
export interface ReadWords {
  readonly command: Command;
  /** Arguments of the command so far. */
  readonly given: readonly string[];
  /** The option that waits for its value. */
  readonly waiting: Option | undefined;
  /** Values of options so far, by their long name: `--registry`. */
  readonly values: ReadonlyMap<string, string>;
}

function optionsOf(command: Command): readonly Option[] {
  const own = command.options;
  return command.parent === null ? own : [...own, ...optionsOf(command.parent)];
}

function optionCalled(command: Command, flag: string): Option | undefined {
  return optionsOf(command).find(({ long, short }) => flag === long || flag === short);
}

const takesValue = (option: Option | undefined) => option?.required || option?.optional || false;

/** Reads the words before the one to complete. */
export function readWords(program: Command, words: readonly string[]): ReadWords {
  let command = program;
  let given: string[] = [];
  let waiting: Option | undefined;
  const values = new Map<string, string>();
  for (const word of words) {
    const [flag = '', value] = word.split(/=(.*)/s);
    const option = word.startsWith('-') ? optionCalled(command, flag) : undefined;
    const sub =
      given.length === 0 ? command.commands.find((each) => each.name() === word) : undefined;
    if (waiting !== undefined) {
      values.set(waiting.long ?? '', word);
      waiting = undefined;
    } else if (word.startsWith('-')) {
      if (takesValue(option) && value === undefined) waiting = option;
      else if (value !== undefined) values.set(flag, value);
    } else if (sub !== undefined) {
      command = sub;
      given = [];
    } else {
      given.push(word);
    }
  }
  return { command, given, waiting, values };
}

const plain = (words: readonly string[]): Candidate[] => words.map((word) => ({ word, text: '' }));

async function argumentWords(
  argument: Argument | undefined,
  given: readonly string[],
  mesh: MeshWords,
): Promise<Candidate[]> {
  if (argument === undefined) return [];
  if (argument.argChoices !== undefined) return plain(argument.argChoices);
  const [service = ''] = given;
  switch (argument.name()) {
    case 'service':
      return plain(await mesh.services());
    case 'service=n':
      return plain((await mesh.services()).map((name) => `${name}=`));
    case 'instance':
      return plain(await mesh.instances(service));
    case 'method':
      return plain(await mesh.methods(service));
    default:
      return [];
  }
}

async function valueWords(option: Option, mesh: MeshWords): Promise<Candidate[]> {
  if (option.argChoices !== undefined) return plain(option.argChoices);
  return option.long === '--service' ? plain(await mesh.services()) : [];
}

function optionWords(command: Command): Candidate[] {
  return optionsOf(command)
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description }) => ({ word: long ?? short ?? '', text: description }))
    .concat([{ word: '--help', text: 'display help for command' }]);
}

function commandWords(command: Command): Candidate[] {
  return command.commands
    .filter((each) => !each.name().startsWith('__'))
    .map((each) => ({ word: each.name(), text: each.description() }));
}

/**
 * The words that may stand where `current` is begun, after `words`. None where a file may stand, or
 * nothing is known.
 * @param mesh what to ask, given the values of options so far
 */
export async function complete(
  { command, given, waiting }: ReadWords,
  current: string,
  mesh: MeshWords,
): Promise<Candidate[]> {
  const [, flag = '', begun] = /^(--[^=]+)=(.*)$/s.exec(current) ?? [];
  const option = waiting ?? optionCalled(command, flag);
  let candidates: Candidate[];
  if (waiting === undefined && begun !== undefined) {
    const values = option === undefined ? [] : await valueWords(option, mesh);
    candidates = values.map(({ word, text }) => ({ word: `${flag}=${word}`, text }));
  } else if (waiting !== undefined) {
    candidates = await valueWords(waiting, mesh);
  } else if (current.startsWith('-')) {
    candidates = optionWords(command);
  } else if (command.commands.length > 0 && given.length === 0) {
    candidates = commandWords(command);
  } else {
    const { registeredArguments: all } = command;
    const argument = all[given.length] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined);
    candidates = await argumentWords(argument, given, mesh);
  }
  return candidates.filter(({ word }) => word.startsWith(current));
}

/** Methods by the shortest name that is clear: `CreateUser`, or in full where two services have it. */
export function shortMethods(paths: readonly string[]): string[] {
  const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  const names = paths.map(nameOf);
  return paths.map((path) => {
    const name = nameOf(path);
    return names.filter((each) => each === name).length > 1 ? path : name;
  });
}
