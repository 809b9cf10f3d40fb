import { type CallReport, ClientError, Status } from '@weft/client-sdk';

/** One call of a steady load. */
export interface SteadyCall {
  /** When it was sent and how long it took, on the monotonic clock in ms. */
  readonly at: number;
  readonly ms: number;
  /** Status by name. */
  readonly status: string;
  /** Who answered, when the echo service did. */
  readonly answeredBy: string | undefined;
  readonly report: CallReport | undefined;
  readonly error: unknown;
}

type EchoCall = (options: { onReport(report: CallReport): void }) => Promise<{
  user?: { name: string } | undefined;
}>;

/** Makes `perSecond` calls a second, never waiting for an answer, until told to stop. */
export function callSteadily(perSecond: number, call: EchoCall) {
  const running: Promise<void>[] = [];
  const done: SteadyCall[] = [];
  const started = performance.now();
  const send = async () => {
    const at = performance.now();
    let report: CallReport | undefined;
    const onReport = (told: CallReport) => {
      report = told;
    };
    let status = 'OK';
    let answeredBy: string | undefined;
    let error: unknown;
    try {
      answeredBy = (await call({ onReport })).user?.name;
    } catch (thrown) {
      error = thrown;
      status = thrown instanceof ClientError ? Status[thrown.code] : String(thrown);
    }
    done.push({ at, ms: performance.now() - at, status, answeredBy, report, error });
  };
  const timer = setInterval(() => {
    const due = ((performance.now() - started) * perSecond) / 1000;
    while (running.length < due) running.push(send());
  }, 2);
  return {
    /** Calls that have ended. */
    done,
    get sent() {
      return running.length;
    },
    failures: () => done.filter(({ status }) => status !== 'OK'),
    /** Sends no more, and answers all when they have ended. */
    async stop(): Promise<SteadyCall[]> {
      clearInterval(timer);
      await Promise.all(running);
      return done;
    },
  };
}

export type SteadyLoad = ReturnType<typeof callSteadily>;

/** What was answered from `since` on, by who answered. */
export function answeredSince(load: SteadyLoad, since: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { at, answeredBy } of load.done) {
    if (at < since || answeredBy === undefined) continue;
    counts.set(answeredBy, (counts.get(answeredBy) ?? 0) + 1);
  }
  return counts;
}
