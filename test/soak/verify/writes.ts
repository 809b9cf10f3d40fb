import type { EtcdChange, WriteRecord } from '../history.ts';
import type { Finding, FindingKind } from './finding.ts';
import { Model } from './model.ts';

type Acknowledged = WriteRecord & { outcome: Exclude<WriteRecord['outcome'], { kind: 'failed' }> };

const isAcknowledged = (write: WriteRecord): write is Acknowledged =>
  write.outcome.kind !== 'failed';

/**
 * Every acknowledged write is in etcd at the revision that it was told, and that revision is not older
 * than what etcd had when it was sent.
 */
export function verifyWrites(
  writes: readonly WriteRecord[],
  changes: readonly EtcdChange[],
): Finding[] {
  const acknowledged = writes.filter(isAcknowledged);
  return [...notVisible(acknowledged, changes), ...stale(acknowledged, changes)];
}

function finding(kind: FindingKind, write: Acknowledged, message: string): Finding {
  const { op, key, replica, doneAtMs, outcome } = write;
  const { revision } = outcome;
  return { kind, atMs: doneAtMs, who: `${op} ${key}`, replica, revision, message };
}

function notVisible(writes: readonly Acknowledged[], changes: readonly EtcdChange[]): Finding[] {
  const model = new Model(changes);
  const inOrder = writes.toSorted((a, b) => a.outcome.revision - b.outcome.revision);
  const found: Finding[] = [];
  for (const write of inOrder) {
    const { outcome, key } = write;
    model.to(outcome.revision);
    const held = model.held.get(key);
    if (outcome.kind === 'stored') {
      if (!outcome.isAsAsked) {
        const message = `it was answered another instance: ${outcome.content}`;
        found.push(finding('wrong-content', write, message));
      }
      if (held?.content === outcome.content) continue;
      const message = `it was told ${outcome.content}; etcd has ${held?.content ?? 'nothing'}`;
      found.push(finding('write-not-visible', write, message));
    } else if (held?.leaseId === outcome.leaseId && !held.isDoubtful) {
      found.push(finding('write-not-visible', write, `etcd has it still: ${held.content}`));
    }
  }
  return found;
}

function stale(writes: readonly Acknowledged[], changes: readonly EtcdChange[]): Finding[] {
  const inOrder = writes.toSorted((a, b) => a.sentAtMs - b.sentAtMs);
  const found: Finding[] = [];
  let next = 0;
  let known = 0;
  for (const write of inOrder) {
    for (; (changes[next]?.atMs ?? Number.POSITIVE_INFINITY) < write.sentAtMs; next += 1) {
      known = changes[next]?.revision ?? known;
    }
    if (write.outcome.revision >= known) continue;
    found.push(finding('stale-write', write, `etcd was at ${known} when it was sent`));
  }
  return found;
}
