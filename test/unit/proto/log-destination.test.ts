import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LogDestination } from '../../../proto/src/log-destination.ts';

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: write`), { code });
}

describe('LogDestination', () => {
  let text: string;
  /** What the next write does: bytes it takes at most, or an error. */
  let taken: number | Error;
  const write = (bytes: Uint8Array) => {
    if (taken instanceof Error) throw taken;
    const part = bytes.subarray(0, taken);
    text += Buffer.from(part).toString();
    return part.length;
  };

  beforeEach(() => {
    jest.useFakeTimers();
    text = '';
    taken = Number.POSITIVE_INFINITY;
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('writes lines in order', () => {
    const destination = new LogDestination({ write });
    for (const line of ['a\n', 'b\n']) destination.write(line);
    expect(text).toBe('a\nb\n');
  });

  it('loses lines on a full disk, and says so once there is space', () => {
    const destination = new LogDestination({ write });
    taken = failure('ENOSPC');
    for (const line of ['a\n', 'b\n', 'c\n']) destination.write(line);
    taken = Number.POSITIVE_INFINITY;
    for (const line of ['d\n', 'e\n']) destination.write(line);
    expect(text).toBe('weft: 3 log lines were lost: ENOSPC: write\nd\ne\n');
  });

  it('ends a line of which only a part fitted on the disk', () => {
    const destination = new LogDestination({
      write(bytes) {
        const written = write(bytes);
        if (taken === 3) taken = failure('ENOSPC');
        return written;
      },
    });
    taken = 3;
    destination.write('a line\n');
    taken = Number.POSITIVE_INFINITY;
    destination.write('next\n');
    expect(text).toBe('a l\nweft: 1 log lines were lost: ENOSPC: write\nnext\n');
  });

  it('keeps lines for a slow reader, in order and whole', () => {
    const destination = new LogDestination({ write });
    taken = 2;
    destination.write('long line\n');
    taken = failure('EAGAIN');
    destination.write('next\n');
    destination.write('last\n');
    taken = 3;
    jest.advanceTimersByTime(20);
    expect(text).toBe('long line\nnext\nlast\n');
  });

  it('holds no more than its limit for a reader that never reads', () => {
    const destination = new LogDestination({ write, maxWaitingBytes: 10 });
    taken = failure('EAGAIN');
    for (let line = 0; line < 100; line += 1) destination.write('12345\n');
    expect(jest.getTimerCount()).toBe(1);
    taken = Number.POSITIVE_INFINITY;
    jest.advanceTimersByTime(20);
    destination.write('later\n');
    expect(text).toMatch(/^weft: 99 log lines were lost: the reader is too slow\n12345\nlater\n$/);
  });

  it('gives up soon on what waits when the process ends', () => {
    jest.useRealTimers();
    const destination = new LogDestination({ write });
    taken = failure('EAGAIN');
    destination.write('a\n');
    const startedAt = performance.now();
    destination.end();
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(text).toBe('');
  });
});
