import { hash } from 'node:crypto';

/**
 * Who of `members` has `key`: all who know the same members agree, each gets its share, and a member
 * that comes or goes moves no key but its own (rendezvous hashing, Thaler and Ravishankar 1998).
 * Undefined when there are none.
 */
export function ownerOf(key: string, members: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = '';
  for (const member of members) {
    const score = hash('sha1', `${member}\n${key}`);
    if (score <= highest) continue;
    highest = score;
    owner = member;
  }
  return owner;
}
