import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { boundLog } from '../../../orchestrator/src/process/log-file.ts';
import { LogTail } from '../../../orchestrator/src/process/log-tail.ts';
import { tempFolder } from '../../support/temp-folder.ts';

describe('LogTail', () => {
  it('returns each line once, when it is whole', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'a.log');
    writeFileSync(file, 'old\n');
    const tail = LogTail.fromEnd(file);
    expect(tail.read()).toEqual([]);
    appendFileSync(file, 'one\ntw');
    expect(tail.read()).toEqual(['one']);
    const [first, second] = [Buffer.from('o ü').subarray(0, 3), Buffer.from('o ü').subarray(3)];
    appendFileSync(file, first);
    expect(tail.read()).toEqual([]);
    appendFileSync(file, Buffer.concat([second, Buffer.from('\n')]));
    expect(tail.read()).toEqual(['two ü']);
  });

  it('loses no line of a log that is moved aside and emptied', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'a.log');
    writeFileSync(file, 'a longer line of old\n');
    const tail = LogTail.fromEnd(file);
    appendFileSync(file, 'last before\n');
    boundLog(file, 1);
    appendFileSync(file, 'first after\n');
    expect(tail.read()).toEqual(['last before', 'first after']);
    appendFileSync(file, 'second after\n');
    expect(tail.read()).toEqual(['second after']);
  });

  it('returns all of a log that begins later', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'a.log');
    const tail = LogTail.fromEnd(file);
    expect(tail.read()).toEqual([]);
    writeFileSync(file, 'first\n');
    expect(tail.read()).toEqual(['first']);
  });

  it('begins with the last lines, those that were moved aside included', () => {
    using folder = tempFolder();
    const file = join(folder.path, 'a.log');
    const recent = (count: number) => LogTail.fromEnd(file).recent(count);
    expect(recent(3)).toEqual([]);
    writeFileSync(file, 'one\ntwo\n');
    expect(recent(1)).toEqual(['two']);
    boundLog(file, 1);
    expect(recent(1)).toEqual(['two']);
    appendFileSync(file, 'three\n');
    const tail = LogTail.fromEnd(file);
    appendFileSync(file, 'four\n');
    expect(tail.recent(2)).toEqual(['two', 'three']);
    expect(tail.recent(9)).toEqual(['one', 'two', 'three']);
    expect(tail.recent(0)).toEqual([]);
    expect(tail.read()).toEqual(['four']);
  });
});
