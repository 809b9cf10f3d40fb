import { describe, expect, it } from '@jest/globals';
import { readLine } from '../../../orchestrator/src/output/log-line.ts';
import { mergedLines } from '../../../orchestrator/src/output/merged-log.ts';

const NOON = new Date(2026, 1, 3, 12, 0, 0, 7).getTime();

const pino = (more: object) =>
  JSON.stringify({
    level: 30,
    time: NOON,
    pid: 7,
    hostname: 'here',
    name: 'user-service',
    ...more,
  });

describe('a line of a log', () => {
  it('of pino is shortened to what people read', () => {
    const raw = pino({
      level: 40,
      service: 'shop',
      err: { message: 'it broke', stack: '...' },
      msg: 'ended',
    });
    expect(readLine(raw)).toEqual({
      raw,
      timeMs: NOON,
      text: '02-03 12:00:00.007 WARN  ended service=shop err="it broke"',
    });
  });

  it('of etcd too', () => {
    const ts = new Date(NOON).toISOString();
    const raw = JSON.stringify({ level: 'info', ts, caller: 'a.go:1', msg: 'ready', port: 1 });
    expect(readLine(raw).text).toBe('02-03 12:00:00.007 INFO  ready port=1');
  });

  it('keeps every digit of a number', () => {
    const raw = `{"time": ${NOON}, "level": 30, "msg": "paid", "lease": 9007199254740993}`;
    expect(readLine(raw).text).toBe('02-03 12:00:00.007 INFO  paid lease=9007199254740993');
  });

  it.each(['registry ready on 127.0.0.1:7400', '{', '{"a": 1}', 'null', ''])(
    'of another kind stays as it is: %s',
    (raw) => expect(readLine(raw)).toEqual({ raw, timeMs: undefined, text: raw }),
  );
});

describe('mergedLines', () => {
  it('orders by time, and keeps lines without one after those before them', () => {
    const at = (time: number, msg: string) => JSON.stringify({ time, msg });
    const logs = new Map([
      ['a', ['early', at(10, 'a10'), 'trace of a10', at(40, 'a40'), at(30, 'clock set back')]],
      ['b', [at(5, 'b5'), at(20, 'b20'), at(50, 'b50')]],
      ['c', []],
    ]);
    expect(mergedLines(logs).map(({ slot, raw }) => `${slot} ${raw}`)).toEqual([
      `b ${at(5, 'b5')}`,
      'a early',
      `a ${at(10, 'a10')}`,
      'a trace of a10',
      `b ${at(20, 'b20')}`,
      `a ${at(40, 'a40')}`,
      `a ${at(30, 'clock set back')}`,
      `b ${at(50, 'b50')}`,
    ]);
  });
});
