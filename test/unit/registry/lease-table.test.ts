import { describe, expect, it } from '@jest/globals';
import { LeaseTable } from '../../../registry/src/store/lease-table.ts';

function tableAt(start = 0) {
  const clock = { now: start };
  return { clock, table: new LeaseTable<string>(() => clock.now) };
}

describe('LeaseTable', () => {
  it('expires a lease at its time and not before', () => {
    const { clock, table } = tableAt();
    table.grant(1n, 2, 'a');
    table.grant(2n, 3, 'b');
    clock.now = 1999;
    expect(table.expire()).toEqual([]);
    clock.now = 2000;
    expect(table.expire()).toEqual(['a']);
    expect(table.expire()).toEqual([]);
    expect(table.size).toBe(1);
  });

  it('gives a renewed lease its full time again', () => {
    const { clock, table } = tableAt();
    table.grant(1n, 2, 'a');
    clock.now = 1500;
    expect(table.renew(1n)).toBe(2);
    clock.now = 3499;
    expect(table.expire()).toEqual([]);
    clock.now = 3500;
    expect(table.expire()).toEqual(['a']);
  });

  it('does not renew a lease that is unknown, revoked, or past its time but not yet swept', () => {
    const { clock, table } = tableAt();
    table.grant(1n, 2, 'a');
    table.grant(2n, 2, 'b');
    expect(table.revoke(2n)).toBe(true);
    expect(table.revoke(2n)).toBe(false);
    clock.now = 2000;
    expect([1n, 2n, 3n].map((id) => table.renew(id))).toEqual([0, 0, 0]);
  });

  it('postpones every lease', () => {
    const { clock, table } = tableAt();
    table.grant(1n, 2, 'a');
    table.postpone(1000);
    clock.now = 2500;
    expect(table.renew(1n)).toBe(2);
  });
});
