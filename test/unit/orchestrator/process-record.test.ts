import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ProcessRecord } from '../../../orchestrator/src/process-record.ts';
import type { Slot } from '../../../orchestrator/src/slot/slot.ts';

/** What a record needs of a slot. */
interface Running {
  pid: number;
  ended: string[];
  endProcess(reason: string): void;
}

function running(pid: number): Running {
  const ended: string[] = [];
  return { pid, ended, endProcess: (reason) => void ended.push(reason) };
}

describe('the record of processes', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is written again until that succeeds; what it does not name is ended meanwhile', () => {
    const news: string[] = [];
    const [old, fresh] = [running(1), running(2)];
    let isFull = false;
    let writes = 0;
    const slots = [old];
    const record = new ProcessRecord({
      file: 'state.json',
      write() {
        if (isFull) throw new Error('no space left');
        writes += 1;
        return slots;
      },
      recorded: [],
      slots: () => slots as unknown as Slot[],
      onNews: (text) => news.push(text),
    });
    record.update();
    expect({ writes, news }).toEqual({ writes: 1, news: [] });

    isFull = true;
    slots.push(fresh);
    record.update();
    jest.advanceTimersByTime(2500);
    expect(old.ended).toEqual([]);
    expect(fresh.ended[0]).toBe(
      'could not be recorded: cannot write state.json: no space left; free some space',
    );
    expect(news).toEqual([
      'cannot write state.json: no space left; free some space. Until then, processes that start are ended again',
    ]);

    isFull = false;
    jest.advanceTimersByTime(1000);
    expect({ writes, last: news.at(-1) }).toEqual({
      writes: 2,
      last: 'state.json is written again',
    });
    jest.advanceTimersByTime(5000);
    expect(writes).toBe(2);
  });

  it('ends no process that an earlier weft up recorded, and tries no more once closed', () => {
    const adopted = running(7);
    let tries = 0;
    const record = new ProcessRecord({
      file: 'state.json',
      write() {
        tries += 1;
        throw new Error('no space left');
      },
      recorded: [{ pid: 7 }],
      slots: () => [adopted] as unknown as Slot[],
      onNews: () => {},
    });
    expect(() => record.write()).toThrow('cannot write state.json: no space left; free some space');
    record.update();
    expect(adopted.ended).toEqual([]);
    record.close();
    jest.advanceTimersByTime(5000);
    expect(tries).toBe(2);
  });
});
