import type { EtcdChange, PollHistory } from '../history.ts';
import type { Finding } from './finding.ts';
import { Model } from './model.ts';

/**
 * What `mesh.discover` answers, while it keeps nobody whom the registry no longer lists, is the set of
 * its revision, and revisions never go back.
 */
export function verifyDiscovery(poll: PollHistory, changes: readonly EtcdChange[]): Finding[] {
  const model = new Model(changes, [poll.service]);
  const found: Finding[] = [];
  let last = 0;
  for (const { atMs, revision, instances } of poll.polls) {
    const find = (message: string) =>
      found.push({ kind: 'wrong-discovery', atMs, who: poll.name, revision, message });
    if (revision < last) {
      find(`it went back from revision ${last}`);
      continue;
    }
    last = revision;
    model.to(revision);
    const actual = new Map(instances.map(({ key, content }) => [key, content]));
    const wrong = model.differences(actual);
    if (wrong.length > 0) find(wrong.slice(0, 5).join(', '));
  }
  return found;
}
