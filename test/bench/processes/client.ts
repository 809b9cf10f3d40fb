import { seededRandom } from '../../support/seeded-random.ts';
import type { ArmSpec, Caller } from '../arms/caller.ts';
import { openArm } from '../arms/open-arm.ts';
import { answerCommands } from '../harness/commands.ts';
import { arrivals, runOpenLoop, type Sample } from '../harness/open-loop.ts';
import { startProfile } from '../harness/profile.ts';

/** A slice of a closed loop: each of `concurrency` callers calls again when it is answered. */
export interface ClosedLoop {
  readonly concurrency: number;
  readonly ms: number;
}

export interface ClosedLoopResult {
  readonly calls: number;
  readonly failed: number;
  readonly elapsedMs: number;
  /** CPU time of this process, in us. */
  readonly cpuUs: number;
}

/** A slice of an open loop. */
export interface OpenLoop {
  readonly perSecond: number;
  readonly ms: number;
  readonly seed: number;
  /** Share of the calls that are not idempotent, 0 to 1. Default 0. */
  readonly writeShare?: number;
  /** Whether calls carry a key, one of a thousand. Default false. */
  readonly hasKeys?: boolean;
}

let arm: Caller | undefined;
let stopProfile: (() => Promise<unknown>) | undefined;

function opened(): Caller {
  if (arm === undefined) throw new Error('no arm is open');
  return arm;
}

async function closedLoop({ concurrency, ms }: ClosedLoop): Promise<ClosedLoopResult> {
  const caller = opened();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const end = start + ms;
  let calls = 0;
  let failed = 0;
  const worker = async () => {
    while (performance.now() < end) {
      const { code } = await caller.call();
      calls += 1;
      if (code !== 0) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const { user, system } = process.cpuUsage(cpu);
  return { calls, failed, elapsedMs: performance.now() - start, cpuUs: user + system };
}

async function openLoop(loop: OpenLoop): Promise<Sample[]> {
  const caller = opened();
  const { perSecond, ms, seed, writeShare = 0, hasKeys = false } = loop;
  const random = seededRandom(seed + 1);
  return runOpenLoop(arrivals(perSecond, ms, seed), async () => {
    const isWrite = random() < writeShare;
    const key = hasKeys ? { key: `user-${Math.floor(random() * 1000)}` } : {};
    return { ...(await caller.call({ isWrite, ...key })), isWrite };
  });
}

answerCommands({
  async open(spec: ArmSpec) {
    await arm?.close();
    arm = await openArm(spec);
  },
  closedLoop,
  openLoop,
  async startProfile() {
    stopProfile = await startProfile();
  },
  stopProfile: () => stopProfile?.(),
});
