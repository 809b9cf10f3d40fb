const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Ctrl-C and Ctrl-D as they come while the terminal hands each key over. */
const QUIT = ['q', 'Q', '\x03', '\x04'];

/**
 * Takes the terminal over: the alternate screen, no cursor, keys as they are pressed. `ended` aborts at
 * `q`, Ctrl-C or a signal. Dispose of it, and the terminal is as it was.
 */
export class FullScreen implements Disposable {
  readonly #closer = new AbortController();
  readonly #onKey = (keys: Buffer) => {
    const pressed = keys.toString('latin1');
    if (QUIT.some((key) => pressed.includes(key))) this.#closer.abort();
  };
  readonly #onEnd = () => this.#closer.abort();
  readonly #onResize: () => void;

  /** @param redraw called when the terminal has another size */
  constructor(redraw: () => void) {
    this.#onResize = redraw;
    const { stdin, stdout } = process;
    stdout.write(ENTER);
    stdout.on('resize', this.#onResize);
    stdout.once('error', this.#onEnd);
    for (const signal of SIGNALS) process.on(signal, this.#onEnd);
    if (!stdin.isTTY) return;
    stdin.setRawMode(true);
    stdin.on('data', this.#onKey);
    stdin.resume();
  }

  get ended(): AbortSignal {
    return this.#closer.signal;
  }

  get size(): { rows: number; columns: number } {
    const { rows = 24, columns = 80 } = process.stdout;
    return { rows, columns };
  }

  /** Draws over what was there, each line to its end, without a flicker. */
  draw(text: string): void {
    const lines = text.split('\n').slice(0, this.size.rows);
    process.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
  }

  [Symbol.dispose](): void {
    const { stdin, stdout } = process;
    stdout.off('resize', this.#onResize);
    stdout.off('error', this.#onEnd);
    for (const signal of SIGNALS) process.off(signal, this.#onEnd);
    if (stdin.isTTY) {
      stdin.off('data', this.#onKey);
      stdin.setRawMode(false);
      stdin.pause();
    }
    stdout.write(LEAVE);
  }
}
