import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { reportText, writeHistory } from '../../soak/report.ts';
import type { SoakResult } from '../../soak/soak.ts';
import { verifyWatch } from '../../soak/verify/watch.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { changes, events, open, snapshot, watch } from './histories.ts';

function resultOf(...watches: ReturnType<typeof watch>[]): SoakResult {
  const told = changes('put a 2', 'put b 3');
  const disturbances = [{ what: 'freeze-etcd', atMs: 50, untilMs: 90 }];
  const none = { writes: [], departures: [], polls: [], drains: [], compactions: [] };
  const history = { changes: told, watches, disturbances, ...none };
  return {
    seed: 7,
    findings: watches.flatMap((seen) => verifyWatch(seen, history)),
    figures: { events: 3 },
    faults: { 'freeze-etcd': 1 },
    history,
    contents: ['the first'],
    logs: [{ file: 'replica-0-1.log', text: 'ready' }],
  };
}

const broken = watch(open(), snapshot(2, 'a2'), events('put b 3'), events('put b 3'));

describe('reportText', () => {
  it('says that nothing was found, and of how much', () => {
    const text = reportText(resultOf(watch(open(), snapshot(2, 'a2'), events('put b 3'))));
    expect(text).toBe('seed 7: events 3\nfaults: freeze-etcd 1\nno findings');
  });

  it('says what was found, where, and what happened around it', () => {
    const lines = reportText(resultOf(broken)).split('\n');
    expect(lines).toContain(
      'duplicate-event: w at replica 1, 300 ms, revision 3: events after revision 3: s/b',
    );
    expect(lines).toContain('    50 ms  freeze-etcd until 90 ms');
    expect(lines).toContain('    100 ms  etcd: put s/b@3 b3');
    expect(lines).toContain('    200 ms  w: events put s/b@3');
  });
});

describe('writeHistory', () => {
  it('writes all that happened, an item a line', async () => {
    using folder = tempFolder();
    const file = join(folder.path, 'deep', 'history.jsonl');
    await writeHistory(file, resultOf(broken));
    const items = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const names = items.map(([name]) => name);
    expect(names).toEqual([
      ...['seed', 'finding', 'c0', 'change', 'change', 'disturbance'],
      ...['w', 'w', 'w', 'w', 'replica-0-1.log'],
    ]);
    expect(items[2]).toEqual(['c0', 'the first']);
  });
});
