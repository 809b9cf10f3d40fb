import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  Subset,
  type SubsetCandidate,
  type SubsetSettings,
} from '../../../../client-sdk/src/balancer/subset.ts';

function server(index: number, zone = ''): SubsetCandidate {
  return { key: `s${index}/1@10.0.0.1:${index}`, name: `s${index}`, zone };
}

function servers(count: number, zoneOf = (_index: number) => ''): SubsetCandidate[] {
  return Array.from({ length: count }, (_, i) => server(i, zoneOf(i)));
}

function subset(changes: Partial<SubsetSettings> = {}): Subset {
  return new Subset({ clientId: 'client', size: 50, from: 100, ...changes });
}

function members(each: Subset, all: readonly SubsetCandidate[]): string[] {
  return all.map(({ key }) => key).filter((key) => each.has(key));
}

describe('Subset', () => {
  it('spreads 1,000 clients over 1,000 servers: 50 connections each, give or take', () => {
    const all = servers(1000);
    const clients = new Map(all.map(({ key }) => [key, 0]));
    for (let i = 0; i < 1000; i += 1) {
      const { entered } = subset({ clientId: `client-${i}` }).update(all);
      expect(entered.size).toBe(50);
      for (const key of entered) clients.set(key, (clients.get(key) ?? 0) + 1);
    }
    const counts = [...clients.values()];
    const deviation = Math.sqrt(counts.reduce((sum, each) => sum + (each - 50) ** 2, 0) / 1000);
    expect(deviation).toBeLessThan(8);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(25);
    expect(Math.max(...counts)).toBeLessThanOrEqual(80);
  });

  it('is the same for the same client and servers, in whatever order they came', () => {
    const all = servers(200);
    const expected = members(at(all), all);
    expect(members(at([...all].reverse()), all)).toEqual(expected);
    const other = subset({ clientId: 'other' });
    other.update(all);
    expect(members(other, all)).not.toEqual(expected);

    function at(order: SubsetCandidate[]): Subset {
      const each = subset();
      for (const candidate of order) each.update([candidate]);
      return each;
    }
  });

  it('changes one member at most when one instance comes or goes, over any course', () => {
    const zones = ['here', 'there', ''];
    const all = servers(60, (i) => zones[i % 3] as string);
    const run = (steps: number[], ownZone: string | undefined) => {
      const each = subset({ size: 10, from: 20, ownZone });
      each.update(all.slice(0, 30));
      const listed = new Set(all.slice(0, 30));
      for (const index of steps) {
        const candidate = all[index] as SubsetCandidate;
        const isLeaving = listed.delete(candidate);
        if (!isLeaving) listed.add(candidate);
        const before = members(each, all);
        const { entered, left } = isLeaving
          ? each.update([], [candidate.key])
          : each.update([candidate]);
        const after = members(each, all);
        expect(after.filter((key) => !before.includes(key))).toEqual([...entered]);
        expect(before.filter((key) => !after.includes(key))).toEqual([...left]);
        expect(members(each, [...listed]).length).toBe(after.length);
        if (before.length === 10 && after.length === 10) {
          expect(entered.size).toBeLessThanOrEqual(1);
          expect(left.size).toBe(entered.size);
        }
        if (listed.size >= 20) expect(after.length).toBe(10);
        if (listed.size < 16) expect(after.length).toBe(listed.size);
        // Which they are follows from what is listed, not from what came before.
        const fresh = subset({ size: 10, from: after.length === 10 ? 1 : 1000, ownZone });
        fresh.update(listed);
        expect(members(fresh, all)).toEqual(after);
      }
    };
    const steps = fc.array(fc.nat(59), { maxLength: 40 });
    fc.assert(fc.property(steps, fc.constantFrom(undefined, 'here'), run), { numRuns: 40 });
  });

  it('takes half from its own zone, and what one side lacks from the other', () => {
    const from = (all: SubsetCandidate[]) => {
      const { entered } = subset({ ownZone: 'here' }).update(all);
      return all.filter(({ key, zone }) => zone === 'here' && entered.has(key)).length;
    };
    expect(from(servers(1000, (i) => (i % 3 === 0 ? 'here' : 'there')))).toBe(25);
    expect(from(servers(1000, (i) => (i < 10 ? 'here' : 'there')))).toBe(10);
    expect(from(servers(1000, (i) => (i < 990 ? 'here' : 'there')))).toBe(40);
  });

  it('takes all below its threshold, and does not flap around it', () => {
    const all = servers(100);
    const each = subset();
    expect(each.update(all.slice(0, 99)).entered.size).toBe(99);
    expect(each.update(all.slice(99)).left.size + members(each, all).length).toBeGreaterThan(98);
    expect(members(each, all).length).toBe(50);
    each.update([], [all[0]?.key ?? '']);
    expect(members(each, all).length).toBe(50);
    each.update(
      [],
      all.slice(1, 21).map(({ key }) => key),
    );
    expect(members(each, all).length).toBe(79);
  });

  it('keeps a restarted instance where it was, and reports net changes only', () => {
    const all = servers(200);
    const each = subset();
    each.update(all);
    const old = all.find(({ key }) => each.has(key)) as SubsetCandidate;
    const again = { ...old, key: `${old.key}-again` };
    const { entered, left } = each.update([again], [old.key]);
    expect([...entered]).toEqual([again.key]);
    expect([...left]).toEqual([old.key]);
    expect(each.update([again], [again.key]).entered.size).toBe(0);
    expect(each.update(all, ['unknown']).left.size).toBeLessThanOrEqual(1);
  });
});
