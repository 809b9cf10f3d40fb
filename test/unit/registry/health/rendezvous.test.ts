import { describe, expect, it } from '@jest/globals';
import { ownerOf } from '../../../../registry/src/health/rendezvous.ts';

const keys = Array.from({ length: 3000 }, (_, index) => `service/${index}`);
const owners = (members: string[]) => keys.map((key) => ownerOf(key, members));

describe('rendezvous hashing', () => {
  it('gives each member about its share, whatever the order they are known in', () => {
    const owned = owners(['a', 'b', 'c']);
    for (const member of ['a', 'b', 'c']) {
      const share = owned.filter((owner) => owner === member).length;
      expect(share).toBeGreaterThan(850);
      expect(share).toBeLessThan(1150);
    }
    expect(owners(['c', 'a', 'b'])).toEqual(owned);
  });

  it('moves only the keys of a member that goes', () => {
    const before = owners(['a', 'b', 'c']);
    const after = owners(['a', 'c']);
    before.forEach((owner, index) => {
      if (owner === 'b') expect(['a', 'c']).toContain(after[index]);
      else expect(after[index]).toBe(owner);
    });
  });

  it('has nobody where there is nobody', () => {
    expect(ownerOf('key', [])).toBeUndefined();
  });
});
