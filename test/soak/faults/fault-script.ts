/** What can be broken. */
export const FAULT_KINDS = [
  'kill-replica',
  'freeze-replica',
  'cut-clients',
  'cut-etcd',
  'slow-clients',
  'slow-etcd',
  'deaf-clients',
  'deaf-replica',
  'kill-etcd',
  'freeze-etcd',
  'compact',
  'compact-behind',
  'revoke-lease',
  'delete-service',
  'foreign-value',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** One fault, as the script has it. */
export interface Fault {
  readonly kind: FaultKind;
  /** When it begins, in ms after the script. */
  readonly atMs: number;
  /** How long it lasts, where it lasts. */
  readonly forMs: number;
  readonly replica: number;
  /** From 0 to 1: which key or service, where it needs one. */
  readonly choice: number;
}

export interface ScriptOptions {
  readonly durationMs: number;
  readonly replicas: number;
  /** Time from the beginning of one fault to the next, on average; every fifth time three times that. */
  readonly everyMs: number;
}

/** The faults of a run: every kind has its turn, in a new order each round. The same for the same numbers. */
export function faultScript(random: () => number, options: ScriptOptions): Fault[] {
  const { durationMs, replicas, everyMs } = options;
  const faults: Fault[] = [];
  let round: FaultKind[] = [];
  let atMs = everyMs / 2;
  while (atMs < durationMs) {
    if (round.length === 0) round = shuffled(FAULT_KINDS, random);
    const kind = round.pop() ?? 'compact';
    const forMs = Math.round(300 + 2700 * random() ** 2);
    const replica = Math.floor(random() * replicas);
    faults.push({ kind, atMs: Math.round(atMs), forMs, replica, choice: random() });
    const isLong = faults.length % 5 === 0;
    atMs += everyMs * (0.5 + random()) * (isLong ? 3 : 1);
  }
  return faults;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items];
  const order: T[] = [];
  while (left.length > 0) order.push(...left.splice(Math.floor(random() * left.length), 1));
  return order;
}
