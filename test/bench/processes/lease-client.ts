import type { LeaseCaller, Renewing } from '../arms/lease-caller.ts';
import { rawEtcdCaller } from '../arms/raw-etcd.ts';
import { registryCaller } from '../arms/registry-caller.ts';
import { answerCommands } from '../harness/commands.ts';
import { startProfile } from '../harness/profile.ts';

/** Where to register: at an etcd itself or at a registry. */
export interface LeaseArmSpec {
  readonly kind: 'etcd' | 'registry';
  readonly address: string;
}

/** Registrations `first`, `first + 1`, ...: so many, so many of them at once. */
export interface Registering {
  readonly first: number;
  readonly count: number;
  readonly atOnce: number;
  /** How many in one call; 1 stands for a call of its own for each. */
  readonly perCall: number;
}

export interface RegisteringResult {
  readonly elapsedMs: number;
  /** Of each call. */
  readonly latenciesMs: readonly number[];
}

let caller: LeaseCaller | undefined;
let stopProfile: (() => Promise<unknown>) | undefined;

function opened(): LeaseCaller {
  if (caller === undefined) throw new Error('no arm is open');
  return caller;
}

async function register({
  first,
  count,
  atOnce,
  perCall,
}: Registering): Promise<RegisteringResult> {
  const to = opened();
  const latenciesMs: number[] = [];
  const start = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = first + next;
      next += perCall;
      const sent = performance.now();
      if (perCall === 1) await to.register(index);
      else await to.registerMany(index, perCall);
      latenciesMs.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { elapsedMs: performance.now() - start, latenciesMs };
}

answerCommands({
  open({ kind, address }: LeaseArmSpec) {
    caller?.close();
    caller = kind === 'etcd' ? rawEtcdCaller(address) : registryCaller(address);
  },
  register,
  /** Lists so many instances, and answers their leases. */
  leases: (count: number) => opened().leases(count),
  async renew(renewing: Renewing) {
    const start = performance.now();
    const answered = await opened().renew(renewing);
    return (answered * 1000) / (performance.now() - start);
  },
  async startProfile() {
    stopProfile = await startProfile();
  },
  stopProfile: () => stopProfile?.(),
});
