import { describe, expect, it } from '@jest/globals';
import type { Instance } from '@weft/proto/registry';
import { Membership } from '../../../../client-sdk/src/balancer/membership.ts';
import { Subset } from '../../../../client-sdk/src/balancer/subset.ts';
import type { InstanceChanges } from '../../../../client-sdk/src/discovery/instance-changes.ts';
import { instance } from '../fixtures.ts';

function changes(part: Partial<InstanceChanges>): InstanceChanges {
  return { isComplete: false, put: [], removed: [], revision: 1n, ...part };
}

function whole(...put: Instance[]): InstanceChanges {
  return changes({ isComplete: true, put });
}

function ids(instances: Iterable<Instance>): string[] {
  return [...instances].map(({ id }) => id);
}

describe('without a subset', () => {
  it('uses all, and tells what came, changed and left', () => {
    const membership = new Membership(undefined);
    const [a, b] = [instance('a'), instance('b')];
    expect(membership.apply(whole(a, b))).toEqual({ entered: [a, b], changed: [], left: [] });
    const heavy = instance('a', { weight: 3 });
    const c = instance('c');
    expect(membership.apply(changes({ put: [heavy, c], removed: [b] }))).toEqual({
      entered: [c],
      changed: [heavy],
      left: ['b'],
    });
    expect(membership.size).toBe(2);
    expect(ids(membership.instances)).toEqual(['a', 'c']);
  });

  it('takes what a complete list does not name for gone, and the same objects for unchanged', () => {
    const membership = new Membership(undefined);
    const [a, b, c] = [instance('a'), instance('b'), instance('c')];
    membership.apply(whole(a, b));
    expect(membership.apply(whole(a, c))).toEqual({ entered: [c], changed: [], left: ['b'] });
    expect(membership.apply(whole())).toEqual({ entered: [], changed: [], left: ['a', 'c'] });
    expect(membership.size).toBe(0);
  });

  it.each<[string, Partial<Instance>]>([
    ['another incarnation', { incarnation: 'a-2' }],
    ['another address', { address: { host: '10.0.0.1', port: 1 } }],
  ])('takes %s for one that left and another that came', (_what, other) => {
    const membership = new Membership(undefined);
    const [before, after] = [instance('a'), instance('a', other)];
    membership.apply(whole(before));
    const replaced = { entered: [after], changed: [], left: ['a'] };
    expect(membership.apply(changes({ put: [after] }))).toEqual(replaced);
    const back = { entered: [before], changed: [], left: ['a'] };
    expect(membership.apply(changes({ put: [before], removed: [after] }))).toEqual(back);
    expect(ids(membership.instances)).toEqual(['a']);
  });

  it('keeps one that is removed and put again as the same incarnation', () => {
    const membership = new Membership(undefined);
    membership.apply(whole(instance('a')));
    const again = instance('a', { weight: 2 });
    expect(membership.apply(changes({ put: [again], removed: [instance('a')] }))).toEqual({
      entered: [],
      changed: [again],
      left: [],
    });
  });

  it('is not disturbed by the end of one it never heard of', () => {
    const membership = new Membership(undefined);
    membership.apply(whole(instance('a')));
    const nothing = { entered: [], changed: [], left: [] };
    expect(membership.apply(changes({ removed: [instance('ghost')] }))).toEqual(nothing);
    expect(membership.size).toBe(1);
  });
});

describe('with a subset', () => {
  const many = Array.from({ length: 20 }, (_, i) => instance(`e${i}`));
  const create = () => new Membership(new Subset({ size: 5, from: 10, clientId: 'client-1' }));

  it('uses the next instance in a slot if it used the one before, under any id', () => {
    const inSlot = (number: number, id: string) =>
      instance(id, { metadata: new Map([['weft.slot', `shop-${number}`]]) });
    const slots = Array.from({ length: 20 }, (_, i) => i);
    const chosen = (run: string) => {
      const { entered } = create().apply(whole(...slots.map((i) => inSlot(i, `${run}-${i}`))));
      return ids(entered).map((id) => id.replace(run, 'shop'));
    };
    expect(chosen('first')).toHaveLength(5);
    expect(chosen('second').sort()).toEqual(chosen('first').sort());
  });

  it('uses a few of many, and follows who comes and goes', () => {
    const membership = create();
    const used = new Map<string, Instance>();
    const apply = (part: InstanceChanges) => {
      const { entered, changed, left } = membership.apply(part);
      for (const id of left) expect(used.delete(id)).toBe(true);
      for (const each of [...entered, ...changed]) used.set(each.id, each);
      return { entered: ids(entered), changed: ids(changed), left };
    };
    apply(whole(...many));
    expect(membership.size).toBe(20);
    expect(used.size).toBe(5);
    const [first = ''] = used.keys();
    const unused = many.find(({ id }) => !used.has(id)) as Instance;

    expect(apply(changes({ put: [{ ...unused, weight: 2 }] }))).toMatchObject({ changed: [] });
    expect(apply(changes({ put: [instance(first, { weight: 2 })] })).changed).toEqual([first]);

    const { left, entered } = apply(changes({ removed: [instance(first)] }));
    expect(left).toEqual([first]);
    expect(entered).toHaveLength(1);
    expect(used.size).toBe(5);

    const [second = ''] = used.keys();
    const restarted = instance(second, { incarnation: `${second}-2` });
    apply(changes({ put: [restarted] }));
    expect(used.size).toBe(5);
    if (used.has(second)) expect(used.get(second)).toBe(restarted);
  });

  it('uses all again when few are left', () => {
    const membership = create();
    membership.apply(whole(...many));
    const { entered } = membership.apply(whole(...many.slice(0, 6)));
    expect(membership.size).toBe(6);
    expect(entered.length).toBeGreaterThan(0);
  });
});
