import { Health, InstanceStatus, InstanceType } from '@weft/proto/registry';
import type { StoredInstance } from '../../../registry/src/store/stored-instance.ts';

/** Longer than a bench runs: no lease ends meanwhile, whoever took it. */
export const TTL_SECONDS = 600;

/** How to renew: so many leases to a message, so many of them unanswered at any time, for so long. */
export interface Renewing {
  readonly leaseIds: readonly bigint[];
  readonly perMessage: number;
  readonly atOnce: number;
  readonly ms: number;
}

/** One way to list instances under leases, and to renew these. */
export interface LeaseCaller {
  /** Lists the instance of a number. */
  register(index: number): Promise<void>;
  /** Lists `count` instances from a number on, together. */
  registerMany(first: number, count: number): Promise<void>;
  /** Lists so many instances and answers their leases. */
  leases(count: number): Promise<bigint[]>;
  /** Answers how many renewals were answered. @throws Error when a lease is not there any more */
  renew(renewing: Renewing): Promise<number>;
  close(): void;
}

/** What every way lists; as a service would describe itself. */
export function instanceOf(service: string, index: number): StoredInstance {
  return {
    id: `i-${index}`,
    service,
    address: { host: '10.1.2.3', port: 1 + (index % 60_000) },
    type: InstanceType.INSTANCE_TYPE_API,
    version: '1.4.2',
    zone: 'z1',
    weight: 1,
    metadata: new Map([
      ['team', 'mesh'],
      ['build', '2026-01-02.3'],
    ]),
    dependencies: ['order-service'],
    startTime: new Date('2026-01-02T03:04:05.000Z'),
    status: InstanceStatus.INSTANCE_STATUS_RUNNING,
    incarnation: `run-${index}`,
    healthCheck: undefined,
    health: Health.HEALTH_UNSPECIFIED,
    leaseId: 0n,
    ttlSeconds: TTL_SECONDS,
    createRevision: 0n,
    modRevision: 0n,
  };
}

/** The two events of a stream that renews leases. */
interface RenewalStream<Answer> {
  on(event: 'data', listener: (answer: Answer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Renews as told over a stream, and answers how many renewals were answered, once all were.
 * @param send sends one message with these leases
 * @param ttlsOf the time to live of each lease that an answer tells, in seconds; 0 of one that ended
 */
export async function renewOver<Answer>(
  stream: RenewalStream<Answer>,
  { leaseIds, perMessage, atOnce, ms }: Renewing,
  send: (leaseIds: bigint[]) => void,
  ttlsOf: (answer: Answer) => number[],
): Promise<number> {
  const next = leaseCycle(leaseIds);
  const end = performance.now() + ms;
  let answered = 0;
  let open = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sendNext = () => {
    open += 1;
    send(next(perMessage));
  };
  stream.on('data', (answer) => {
    const ttls = ttlsOf(answer);
    open -= 1;
    answered += ttls.length;
    if (ttls.some((seconds) => seconds <= 0)) {
      reject(new Error('a lease is not there any more'));
    }
    if (performance.now() < end) sendNext();
    else if (open === 0) resolve();
  });
  stream.on('error', reject);
  for (let count = 0; count < atOnce; count += 1) sendNext();
  await promise;
  return answered;
}

/** The next leases to renew, over and over. */
function leaseCycle(leaseIds: readonly bigint[]): (count: number) => bigint[] {
  let next = 0;
  return (count) =>
    Array.from({ length: count }, () => {
      const leaseId = leaseIds[next % leaseIds.length] as bigint;
      next += 1;
      return leaseId;
    });
}
