import { Command, type HelpContext } from 'commander';

/** A module of a command. */
export interface CommandModule {
  /** Adds the arguments, the options and the action to a command that has its name already. */
  define(command: Command): void;
}

/**
 * A command whose module is loaded when the command is used: `weft --help` and `weft --version` need none of
 * the modules, and most of them load gRPC.
 */
export class LazyCommand extends Command {
  #load: (() => Promise<CommandModule>) | undefined;

  constructor(name?: string, load?: () => Promise<CommandModule>) {
    super(name);
    this.#load = load;
    this.hook('preSubcommand', (_command, sub) => {
      if (sub instanceof LazyCommand) return sub.define();
    });
  }

  /** Loads the module, once. */
  async define(): Promise<void> {
    const load = this.#load;
    this.#load = undefined;
    (await load?.())?.define(this);
  }

  override createCommand(name?: string): Command {
    return new LazyCommand(name);
  }

  /**
   * Prints the help. Commander prints it for `weft nonsense --help` as well.
   * @throws CommanderError if a subcommand is named that does not exist
   */
  override outputHelp(context?: HelpContext): void;
  override outputHelp(deprecated: (text: string) => string): void;
  override outputHelp(context?: unknown): void {
    const named = this.args.find((word) => !word.startsWith('-'));
    const isUnknown = named !== undefined && !this.commands.some((each) => each.name() === named);
    if (this.commands.length > 0 && isUnknown) this.parse([named], { from: 'user' });
    super.outputHelp(context as HelpContext);
  }
}
