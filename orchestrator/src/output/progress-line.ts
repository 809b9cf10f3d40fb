import { printNews } from './terminal.ts';

/** What goes on, on standard error: one line that changes in place at a terminal, else a line each. */
export class ProgressLine {
  readonly #isTerminal = process.stderr.isTTY === true && process.env.TERM !== 'dumb';
  #shown = '';

  show(text: string): void {
    if (text === this.#shown) return;
    this.#shown = text;
    const width = Math.max(20, (process.stderr.columns ?? 80) - 1);
    if (this.#isTerminal) process.stderr.write(`\r\x1b[2K${`weft: ${text}`.slice(0, width)}`);
    else printNews(text);
  }

  /** Takes the line away; what was said to a file stays. */
  clear(): void {
    if (this.#isTerminal && this.#shown !== '') process.stderr.write('\r\x1b[2K');
    this.#shown = '';
  }
}
