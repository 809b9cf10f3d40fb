import { describe, expect, it } from '@jest/globals';
import { LoadShedder } from '../../../proto/src/load-shedder.ts';

/** A shedder with a limit of 200 ms, given a sample each 50 ms plus its lag. */
function shedder() {
  const subject = new LoadShedder(200);
  let nowMs = 0;
  return (...lags: number[]) =>
    lags.map((lagMs) => {
      nowMs += 50 + lagMs;
      subject.sample(lagMs, nowMs);
      return subject.isShedding;
    });
}

describe('LoadShedder', () => {
  it('takes all calls while the loop is on time, or late within the limit', () => {
    expect(shedder()(0, 200, 199, 200, 150)).not.toContain(true);
  });

  it('lets one stall pass, however long', () => {
    expect(shedder()(0, 5000, 3, 900, 1)).not.toContain(true);
  });

  it('sheds from the second late sample in a row until one is below half the limit', () => {
    expect(shedder()(201, 201, 150, 101, 100, 0)).toEqual([false, true, true, true, false, false]);
  });

  it('sheds at the first late sample for 10 s after it last did', () => {
    const sample = shedder();
    expect(sample(300, 300, 0, 300, 0)).toEqual([false, true, false, true, false]);
    expect(sample(...Array(190).fill(0), 300, 0).slice(-2)).toEqual([true, false]);
    expect(sample(...Array(201).fill(0), 300, 0)).not.toContain(true);
  });

  it('wants two late samples in a row again once those 10 s are over', () => {
    const sample = shedder();
    sample(300, 300, 0);
    expect(sample(...Array(201).fill(0), 300, 300).slice(-2)).toEqual([false, true]);
  });
});
