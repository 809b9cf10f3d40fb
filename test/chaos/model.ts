import type { CallReport } from '@weft/client-sdk';
import { type CallPlan, CLIENTS } from './call-plan.ts';
import { AS_TOLD } from './contract.ts';

/** Everything that was seen of one call. Times are in ms since the epoch. */
export interface Observation {
  readonly plan: CallPlan;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Status by name; CANCELLED also if the caller aborted. */
  readonly status: string;
  readonly details: string;
  /** Instance and number of each response, in the order of arrival. */
  readonly responses: readonly { readonly instance: string; readonly number: number }[];
  readonly report: Pick<CallReport, 'attempts'>;
  /** Ids of the instances whose handler started for the call. */
  readonly runs: readonly string[];
}

/** What was done to the instances meanwhile. */
export interface World {
  /** When the instance was killed, or told to end; undefined if it was not. */
  endedAt(instance: string): number | undefined;
  /** Whether an instance was killed, or the machine was slow, between the two times. */
  isDisturbed(from: number, until: number): boolean;
  /** Whether an instance ended, by a kill or in order, between the two times. */
  hasEnded(from: number, until: number): boolean;
  /** Whether this process, or one of the instances, got no turn for a while between the two times. */
  wasSlow(from: number, until: number): boolean;
  /** Whether handlers asked clients to leave their instances alone, between the two times. */
  isShedding(from: number, until: number): boolean;
}

type Attempt = CallReport['attempts'][number];

/** For so long after an instance has ended, calls may still be sent to it, in ms. */
const AFTERMATH_MS = 5000;
/** For so long before a call, handlers that shed load may have taken instances out, in ms. */
const SHEDDING_MS = 2000;
/** Timers fire early by less than this, and clocks differ by less, in ms. */
const CLOCK_MS = 5;
/** An undisturbed call takes no longer than its handlers and this, in ms. */
const MARGIN_MS = 800;

/** The most handler runs that a call may have. */
export function mostRuns({ method, client }: CallPlan): number {
  if (method !== 'get') return 1;
  const policy = CLIENTS[client];
  if ('hedging' in policy) return policy.hedging.maxAttempts;
  if ('retry' in policy) return policy.retry === false ? 1 : policy.retry.maxAttempts;
  return 3;
}

/** How long an undisturbed call may take, in ms. */
function longestMs(plan: CallPlan): number {
  const { sleepMs, responses } = plan.script;
  const perTry = plan.client === 'perTry' ? 60 : sleepMs;
  return (mostRuns(plan) - 1) * (perTry + 250) + sleepMs * responses + MARGIN_MS;
}

const isRefused = ({ metadata }: CallPlan) => metadata === 'forbidden' || metadata === 'too large';

/** Whether gRPC may make another attempt after this one. */
function isRetryable({ status }: Attempt, { script }: CallPlan): boolean {
  if (status === 'RESOURCE_EXHAUSTED') return script.pushbackMs !== undefined;
  return status === 'UNAVAILABLE';
}

/**
 * Checks one call against the rules of the mesh.
 * @param statusName the name of a status code
 * @returns a sentence for each rule that it breaks; none if it keeps them all
 */
export function violationsOf(
  seen: Observation,
  world: World,
  statusName: (code: number) => string,
): string[] {
  const { plan, status, report, runs } = seen;
  const { attempts } = report;
  const told = plan.script.code === 0 ? undefined : statusName(plan.script.code);
  const elapsedMs = seen.endedAt - seen.startedAt;
  const isDisturbed = world.isDisturbed(seen.startedAt - AFTERMATH_MS, seen.endedAt);
  const found: string[] = [];
  const rule = (holds: boolean, sentence: string) => {
    if (!holds) found.push(sentence);
  };

  rule(runs.length <= mostRuns(plan), `${runs.length} handlers ran, ${mostRuns(plan)} may`);
  rule(new Set(runs).size === runs.length, `a handler ran twice on one instance (${runs})`);
  for (const instance of runs) {
    const isReported = attempts.some((attempt) => attempt.instance === instance);
    rule(isReported, `a handler ran on ${instance}, and the report has no attempt there`);
  }
  if (isRefused(plan)) rule(attempts.length === 0, 'a call with bad metadata was sent');
  for (const [index, attempt] of attempts.entries()) {
    const reason = explained(attempt, seen, world, told, index < attempts.length - 1);
    if (reason !== undefined) found.push(`attempt ${index + 1}: ${reason}`);
    const isLast = index === attempts.length - 1;
    if (isLast || plan.client === 'hedged' || attempt.endedBy === 'connection') continue;
    rule(isRetryable(attempt, plan), `tried again after ${attempt.status}`);
  }

  const isCancelled =
    plan.cancelAfterMs !== undefined && elapsedMs >= plan.cancelAfterMs - CLOCK_MS;
  switch (status) {
    case 'OK':
      rule(told === undefined && !isRefused(plan), 'OK, although it had to fail');
      rule(isComplete(seen), 'OK, although responses are missing, doubled or of two instances');
      break;
    case 'CANCELLED':
      rule(isCancelled, 'CANCELLED, although nobody cancelled it');
      break;
    case 'DEADLINE_EXCEEDED':
      rule(elapsedMs >= plan.timeoutMs - CLOCK_MS, `the deadline passed after ${elapsedMs} ms`);
      rule(isDisturbed || longestMs(plan) > plan.timeoutMs, 'late, although nothing held it up');
      break;
    case 'INVALID_ARGUMENT':
      rule(plan.metadata === 'forbidden', `INVALID_ARGUMENT: ${seen.details}`);
      break;
    default: {
      const isTold = status === told && runs.length > 0;
      const isTooLarge = status === 'RESOURCE_EXHAUSTED' && plan.metadata === 'too large';
      // grpc-js reports some broken connections as INTERNAL.
      const last = attempts.at(-1);
      const isBroken = last?.endedBy === 'connection' && last.status === status;
      const isLost = isDisturbed && (status === 'UNAVAILABLE' || isBroken);
      // The instance that was to take the next attempt may leave during the backoff before it.
      const hasNowhere =
        last?.endedBy === 'timeout' &&
        last.status === status &&
        world.hasEnded(seen.startedAt, seen.endedAt);
      // All instances rest at once if one call asks each of them to.
      const isShed =
        status === 'RESOURCE_EXHAUSTED' &&
        seen.details.startsWith('no instance of ') &&
        world.isShedding(seen.startedAt - SHEDDING_MS, seen.endedAt);
      const isExplained = isTold || isTooLarge || isLost || hasNowhere || isShed;
      rule(isExplained, `${status}, which nothing explains: ${seen.details}`);
      // After attempts that failed, a retry may find no instance to go to.
      const isElsewhere = isDisturbed && seen.details.startsWith('no instance of ');
      if (isTold && attempts.at(-1)?.endedBy === 'server' && !isElsewhere) {
        rule(seen.details === AS_TOLD, `the message of the server was changed: ${seen.details}`);
      }
    }
  }
  if (status === 'OK' && plan.client === 'plain' && !isDisturbed) {
    rule(runs.length === 1, `${runs.length} handlers ran for a call that succeeded undisturbed`);
  }
  return found;
}

/** What is wrong with the end of an attempt; undefined if the test knows a cause for it. */
function explained(
  { instance, status, endedBy, durationMs = 0 }: Attempt,
  { plan, endedAt, startedAt }: Observation,
  world: World,
  told: string | undefined,
  hasOther: boolean,
): string | undefined {
  const instanceEndedAt = world.endedAt(instance);
  const isGone = instanceEndedAt !== undefined && instanceEndedAt <= endedAt + CLOCK_MS;
  switch (endedBy) {
    case 'server': {
      const isOwn = status === (told ?? 'OK');
      const isLate =
        status === 'DEADLINE_EXCEEDED' && endedAt - startedAt >= plan.timeoutMs - CLOCK_MS;
      return isOwn || isLate ? undefined : `${instance} returned ${status}`;
    }
    case 'connection': {
      // Keepalive takes a process that gets no turn for a frozen one.
      const isSlow = world.wasSlow(startedAt - AFTERMATH_MS, endedAt);
      return isGone || isSlow ? undefined : `the connection to ${instance} broke, and it was alive`;
    }
    case 'timeout': {
      const isPerTry = status === 'UNAVAILABLE' && plan.client === 'perTry';
      const allowedMs = isPerTry ? 60 : 0;
      if (isPerTry || status === 'DEADLINE_EXCEEDED') {
        return durationMs >= allowedMs - CLOCK_MS ? undefined : `gave up after ${durationMs} ms`;
      }
      return `timed out with ${status}`;
    }
    case 'client': {
      const isLoser = plan.client === 'hedged' && status === 'CANCELLED';
      const isCallers = status === 'CANCELLED' && plan.cancelAfterMs !== undefined;
      const isMoved = status === 'UNAVAILABLE' && hasOther;
      const isSlow = world.isDisturbed(startedAt - AFTERMATH_MS, endedAt);
      if (isLoser || isCallers || (isMoved && isSlow)) return undefined;
      return `this client ended it with ${status} at ${instance}`;
    }
    case undefined:
      return plan.client === 'hedged' ? undefined : 'had not ended when its call had';
  }
}

/** Whether all responses came once, in order, from the instance whose attempt succeeded. */
function isComplete({ plan, responses, report, runs }: Observation): boolean {
  const winner = report.attempts.find(({ status }) => status === 'OK')?.instance;
  if (winner === undefined || !runs.includes(winner)) return false;
  if (responses.length !== plan.script.responses) return false;
  return responses.every(({ instance, number }, index) => instance === winner && number === index);
}
