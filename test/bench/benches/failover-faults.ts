import { createServer, type Socket } from 'node:net';
import { InstanceStatus, InstanceType } from '@weft/proto/registry';
import { effects } from '../harness/disturbance.ts';
import { type Sample, sharedNow } from '../harness/open-loop.ts';
import type { FailoverStage } from './failover-stage.ts';
import { SERVICE } from './failover-stage.ts';

/** What each arm noticed in one round, by arm. */
export type Round = ReadonlyMap<string, Record<string, number>>;

/** One thing that goes wrong, once, while all arms call. */
export type Fault = (
  stage: FailoverStage,
  arms: readonly string[],
  round: number,
) => Promise<Round>;

const PATIENCE_MS = 500;

function roundOf(samples: ReadonlyMap<string, readonly Sample[]>, at: number, overAt = at): Round {
  return new Map(
    [...samples].map(([name, list]) => [
      name,
      effects({ at, overAt, samples: list, patienceMs: PATIENCE_MS }),
    ]),
  );
}

function victimOf(stage: FailoverStage, round: number) {
  const victim = stage.slots[round % stage.slots.length];
  if (victim === undefined) throw new Error('no instance runs');
  return victim;
}

/** `kill -9`; then another process at the same port. */
export const sigkill: Fault = async (stage, arms, round) => {
  const victim = victimOf(stage, round);
  await stage.settle();
  await stage.warmUp(arms);
  const { samples, disturbance } = await stage.during({ ms: 1000, seed: round, arms }, async () => {
    const at = sharedNow();
    victim.worker.signal('SIGKILL');
    await victim.worker.ended;
    return { at, overAt: sharedNow() };
  });
  await stage.replace(victim);
  return roundOf(samples, disturbance.at, disturbance.overAt);
};

/** It keeps its connections and answers nothing. */
export const sigstop =
  (ms: number): Fault =>
  async (stage, arms, round) => {
    const { worker } = victimOf(stage, round);
    await stage.settle();
    await stage.warmUp(arms);
    try {
      const { samples, disturbance } = await stage.during({ ms, seed: round, arms }, async () => {
        const at = sharedNow();
        worker.signal('SIGSTOP');
        return at;
      });
      return roundOf(samples, disturbance);
    } finally {
      worker.signal('SIGCONT');
    }
  };

/** Every instance leaves in order, and another process takes its port, one after the other. */
export const rollingRestart: Fault = async (stage, arms, round) => {
  await stage.settle();
  await stage.warmUp(arms);
  const { samples, disturbance } = await stage.during({ ms: 2200, seed: round, arms }, async () => {
    const at = sharedNow();
    for (const slot of stage.slots) {
      await slot.worker.ask('leave');
      await stage.replace(slot);
    }
    return at;
  });
  return roundOf(samples, disturbance);
};

/** One more is listed that takes connections and never says a word; clients begin with it there. */
export const silentPeer: Fault = async (stage, arms, round) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const { store } = stage.stage.registry;
  const { port } = address;
  const reference = { service: SERVICE, id: 'silent', leaseId: 0n };
  await store.register(
    {
      ...reference,
      address: { host: '127.0.0.1', port },
      type: InstanceType.INSTANCE_TYPE_API,
      version: '',
      zone: '',
      weight: 1,
      metadata: new Map(),
      dependencies: [],
      startTime: new Date(),
      status: InstanceStatus.INSTANCE_STATUS_RUNNING,
      incarnation: `silent-${round}`,
      healthCheck: undefined,
    },
    60,
  );
  try {
    await stage.settle((name) =>
      name.startsWith('weft') ? {} : { addresses: [...stage.addresses, `127.0.0.1:${port}`] },
    );
    const at = sharedNow();
    const { samples } = await stage.during({ ms: 1000, seed: round, arms }, async () => {});
    return roundOf(samples, at);
  } finally {
    await store.deregister(reference);
    for (const socket of sockets) socket.destroy();
    server.close();
  }
};
