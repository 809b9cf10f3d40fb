/** One fenced block of a Markdown text. */
export interface Block {
  /** First word after the fence: `sh`, `ts`, `text`. */
  readonly language: string;
  /** Other words after it, which renderers ignore and the test of the README reads. */
  readonly words: readonly string[];
  readonly text: string;
}

/** The fenced blocks of a Markdown text, in order. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\S+)([^\n]*)\n(.*?)^```$/gms)].map(
    ([, language = '', words = '', text = '']) => ({
      language,
      words: words.split(' ').filter(Boolean),
      text,
    }),
  );
}

/** A line without what differs from run to run: ids, numbers, spacing. */
function masked(line: string): string {
  return (
    line
      .replaceAll(/\d+(-[0-9a-f]+)+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '#')
      // How long instances have been up: of the youngest, and of the oldest if that reads differently.
      .replaceAll(/\d+ s to \d+ s\b/g, '# s')
      .replaceAll(/\d+/g, '#')
      .replaceAll(/\s+/g, ' ')
      .trim()
  );
}

/** Lines of `expected` that `output` does not have, as masked; a line of `...` stands for anything. */
export function missingLines(expected: string, output: string): string[] {
  const present = new Set(output.split('\n').map(masked));
  return expected
    .split('\n')
    .filter((line) => line.trim() !== '' && line !== '...')
    .filter((line) => !present.has(masked(line)));
}
