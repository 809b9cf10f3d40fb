/** What the parent asks over IPC, and what comes back. */
export interface Question {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** What a process can be asked, by name. */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>;

/** Answers the parent's commands until it goes away, and then ends: nothing is left behind. */
export function answerCommands(commands: Commands): void {
  process.on('message', async ({ id, command, argument }: Question) => {
    const run = commands[command];
    try {
      if (run === undefined) throw new Error(`no such command: ${command}`);
      const result = await run(argument as never);
      process.send?.({ id, result } satisfies Answer);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ id, error: text } satisfies Answer);
    }
  });
  process.on('disconnect', () => process.exit(0));
  // The terminal's Ctrl-C reaches children too; the parent ends them.
  process.on('SIGINT', () => {});
}
