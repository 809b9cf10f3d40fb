import { freePort } from '../../orchestrator/src/process/ports.ts';
import { createTestEtcd, type TestEtcd } from './etcd.ts';

/** A real etcd of several members. Always `await close()`. */
export interface TestEtcdCluster {
  readonly members: readonly TestEtcd[];
  readonly endpoints: readonly string[];
  /** The member that leads now, as `member` sees it. @throws Error when none does */
  leader(member: TestEtcd): Promise<TestEtcd>;
  close(): Promise<void>;
}

interface MemberStatus {
  Status: { leader: number; header: { member_id: number } };
}

async function statusOf(member: TestEtcd): Promise<MemberStatus['Status']> {
  const [found] = JSON.parse(await member.ctl('endpoint', 'status', '-w', 'json')) as [
    MemberStatus,
  ];
  return found.Status;
}

export async function createTestEtcdCluster(size = 3): Promise<TestEtcdCluster> {
  const peers: { name: string; peerPort: number }[] = [];
  for (let index = 0; index < size; index += 1) {
    peers.push({ name: `m${index}`, peerPort: await freePort('127.0.0.1') });
  }
  const flags = {
    'initial-cluster': peers
      .map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`)
      .join(','),
    // An election within the least TTL, on a machine that has other things to do.
    'heartbeat-interval': '50',
    'election-timeout': '500',
  };
  const starting = peers.map(({ name, peerPort }) =>
    createTestEtcd({ peerPort, flags: { ...flags, name } }),
  );
  const members = await Promise.all(starting);
  // Beyond what a number holds exactly, and yet the same wherever etcd tells it.
  const ids = await Promise.all(
    members.map(async (member) => (await statusOf(member)).header.member_id),
  );
  return {
    members,
    endpoints: members.map(({ endpoint }) => endpoint),
    async leader(member) {
      const leader = members[ids.indexOf((await statusOf(member)).leader)];
      if (leader === undefined) throw new Error('no member leads');
      return leader;
    },
    async close() {
      await Promise.all(members.map((member) => member.close()));
    },
  };
}
