import type { Bench, Effort } from '../harness/bench.ts';
import type { Sample } from '../harness/open-loop.ts';
import type { Row } from '../harness/row.ts';
import { Stage } from '../harness/stage.ts';
import { comparePooled, median, quantile } from '../harness/stats.ts';
import { OutageStage, PER_SECOND } from './outage-stage.ts';

const SLICES = 5;
/** Calls of about five seconds: enough for their 99th percentile, and what disturbs one disturbs few. */
const WINDOW = 1500;

/** How long each part of the run takes, in ms. */
interface Course {
  /** All is well; twice, so that the one half can be compared with the other. */
  readonly calmMs: number;
  readonly downMs: number;
  /** From when etcd is started again. */
  readonly returnMs: number;
}

function courseOf({ isQuick, minutes }: Effort): Course {
  if (minutes !== undefined) {
    const downMs = minutes * 60_000;
    return { calmMs: Math.max(5000, downMs / 10), downMs, returnMs: 15_000 };
  }
  if (isQuick) return { calmMs: 2000, downMs: 4000, returnMs: 5000 };
  return { calmMs: 5000, downMs: 15_000, returnMs: 8000 };
}

/** Cuts a run into parts of equally many calls, in the order of time. */
function slices(samples: readonly Sample[]): Sample[][] {
  const size = Math.ceil(samples.length / SLICES);
  return Array.from({ length: SLICES }, (_, slice) =>
    samples.slice(slice * size, (slice + 1) * size),
  );
}

const metrics: Readonly<Record<string, (samples: readonly Sample[]) => number>> = {
  'p50 ms': (samples) => quantile(latenciesOf(samples), 0.5),
  'p99 ms, median of 5 s': (samples) => median(windows(samples).map(p99)),
  'p99 ms': p99,
  'succeeded %': (samples) => successShare(samples) * 100,
};

function p99(samples: readonly Sample[]): number {
  return quantile(latenciesOf(samples), 0.99);
}

/** Cuts them into windows, in the order of time; what is left over belongs to the last. */
function windows(samples: readonly Sample[]): (readonly Sample[])[] {
  const count = Math.max(1, Math.floor(samples.length / WINDOW));
  return Array.from({ length: count }, (_, index) =>
    samples.slice(index * WINDOW, index === count - 1 ? undefined : (index + 1) * WINDOW),
  );
}

function latenciesOf(samples: readonly Sample[]): number[] {
  return samples.map(({ ms }) => ms);
}

function successShare(samples: readonly Sample[]): number {
  return samples.filter(({ code }) => code === 0).length / samples.length;
}

function rowsOf(name: string, samples: readonly Sample[], baseline: readonly Sample[]): Row[] {
  return Object.entries(metrics).map(([metric, statistic]) => ({
    bench: 'outage',
    case: name,
    metric,
    ...comparePooled(slices(samples), slices(baseline), statistic),
  }));
}

/** What calls between services notice when etcd and all registries are down for a while, and of their return. */
export const outage: Bench = {
  name: 'outage',
  about: `etcd and both registries down, ${PER_SECOND} calls/s to 3 instances; --minutes 10: for so long`,
  run: (effort, reporter) =>
    Stage.use((under) =>
      OutageStage.use(under, async (stage) => {
        const { calmMs, downMs, returnMs } = courseOf(effort);
        reporter.progress('all is well');
        await stage.load(2000, 0);
        const [calm, again] = [await stage.load(calmMs, 1), await stage.load(calmMs, 2)];
        await stage.takeDown();
        reporter.progress(`all is down, for ${downMs / 1000} s`);
        const down = await stage.load(downMs, 3);
        reporter.progress('all comes back');
        const comingBack = stage.bringBack().catch((error) => reporter.fail(String(error)));
        const [after] = await Promise.all([stage.load(returnMs, 4), comingBack]);
        const all = [...down, ...after];
        const failed = all.filter(({ code }) => code !== 0).length;
        reporter.note(`of ${all.length} calls while it was down and came back, ${failed} failed`);
        reporter.note('min..max: leaving out any fifth of the time; leases live 2 s');
        return [
          ...rowsOf('down vs before', down, [...calm, ...again]),
          ...rowsOf('coming back vs before', after, [...calm, ...again]),
          ...rowsOf('before, second half vs first half (A/A)', again, calm),
        ];
      }),
    ),
};
