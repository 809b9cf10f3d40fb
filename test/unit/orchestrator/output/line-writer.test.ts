import { describe, expect, it } from '@jest/globals';
import {
  areLinesWritten,
  loseUnreadLines,
  writeLine,
} from '../../../../orchestrator/src/output/line-writer.ts';

/** A stream whose reader takes everything, or nothing. */
function createOutput() {
  const output = {
    written: [] as string[],
    writableLength: 0,
    isRead: true,
    write(text: string) {
      output.written.push(text);
      if (!output.isRead) output.writableLength += text.length;
      return true;
    },
    read() {
      output.isRead = true;
      output.writableLength = 0;
    },
  };
  return output;
}

describe('a stream that may lose lines', () => {
  it('keeps a bounded number of lines while nobody reads them, then says how many are lost', async () => {
    const output = createOutput();
    loseUnreadLines(output);
    writeLine(output, 'first');
    output.isRead = false;
    for (let line = 0; line < 10_000; line += 1)
      writeLine(output, `line ${line} ${'x'.repeat(88)}`);
    const kept = output.written.length - 1;
    expect(output.writableLength).toBeLessThan(129 * 1024);
    expect(kept).toBeGreaterThan(1000);
    expect(await areLinesWritten(50)).toBe(false);
    output.read();
    expect(await areLinesWritten(50)).toBe(true);
    writeLine(output, 'last');
    expect(output.written.slice(-2)).toEqual([
      `weft: ${10_000 - kept} lines were not printed, as nothing read them\n`,
      'last\n',
    ]);
    writeLine(output, 'and on');
    expect(output.written.at(-1)).toBe('and on\n');
  });

  it('is one that was told so: any other keeps every line', () => {
    const output = createOutput();
    output.isRead = false;
    for (let line = 0; line < 3000; line += 1) writeLine(output, 'x'.repeat(99));
    expect(output.written).toHaveLength(3000);
  });
});
