import { type Log, messageOf } from '@weft/proto';
import { loadText } from '../output/scaling-text.ts';
import type { SlotGroup } from '../slot/slot-group.ts';
import { scalingStatus } from '../slot/slot-status.ts';
import type { ScaleSpec } from '../topology/topology.ts';
import { Autoscaler } from './autoscaler.ts';
import { CpuLoad } from './cpu-load.ts';
import { cpuOfGroups } from './process-cpu.ts';
import type { TelemetryLink } from './telemetry-link.ts';

/** Between two looks at the load. */
const LOOK_MS = 1000;
/** After a step that failed, such as for want of a port, the next one waits. */
const FAILED_MS = 30_000;

export interface ScalerOptions {
  readonly services: readonly { readonly group: SlotGroup; readonly spec: ScaleSpec }[];
  readonly telemetry: TelemetryLink;
  /** Told in a sentence of each step. */
  readonly onNews: (text: string) => void;
  readonly log: Log;
}

interface Scaled {
  readonly group: SlotGroup;
  readonly spec: ScaleSpec;
  readonly autoscaler: Autoscaler;
  readonly cpu: CpuLoad;
  /** Of all instances together, at the last look. */
  load: number | undefined;
  /** Steps under way. */
  readonly steps: Set<'growth' | 'shrinking'>;
  notBefore: number;
}

function healthyPids({ slots }: SlotGroup): number[] {
  return slots.flatMap(({ isHealthy, pid }) => (isHealthy && pid !== undefined ? [pid] : []));
}

/** Brings services to as many instances as their load needs, step by step. */
export class Scaler {
  readonly #options: ScalerOptions;
  readonly #services: readonly Scaled[];
  readonly #timer: NodeJS.Timeout | undefined;

  constructor(options: ScalerOptions) {
    this.#options = options;
    const now = performance.now();
    this.#services = options.services.map(({ group, spec }) => ({
      group,
      spec,
      autoscaler: new Autoscaler(spec, group.wanted, now),
      cpu: new CpuLoad(),
      load: undefined,
      steps: new Set(),
      notBefore: now,
    }));
    if (this.#services.length === 0) return;
    this.#timer = setInterval(() => this.#look(performance.now()), LOOK_MS).unref();
  }

  /** What each instance of a service bears now, on average; undefined where that is not known. */
  loadEach(service: string): number | undefined {
    const scaled = this.#find(service);
    const count = scaled?.group.wanted ?? 0;
    return scaled?.load === undefined || count === 0 ? undefined : scaled.load / count;
  }

  /** A service was brought to `count` instances by hand. */
  wasSet(service: string, count: number): void {
    this.#find(service)?.autoscaler.set(count, performance.now());
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #find(service: string): Scaled | undefined {
    return this.#services.find(({ group }) => group.name === service);
  }

  #look(now: number): void {
    // All of /proc is looked through, so once for all services.
    const used = this.#readCpu();
    for (const scaled of this.#services) {
      scaled.load = this.#loadOf(scaled, used, now);
      const { group, load, steps, notBefore } = scaled;
      if (load === undefined || group.wanted === 0) continue;
      const count = scaled.autoscaler.decide(load, group.wanted, now);
      // New ones are waited for; but those that drain, for as long as that takes, are not.
      const isBusy = steps.has('growth') || (steps.has('shrinking') && count < group.wanted);
      if (count === group.wanted || isBusy || now < notBefore) continue;
      void this.#step(scaled, count, load);
    }
  }

  /** Undefined where it cannot be read now, such as when no file can be opened any more. */
  #readCpu(): ReadonlyMap<number, number> | undefined {
    const pids = this.#services.flatMap(({ group, spec }) =>
      spec.target.kind === 'cpu' ? healthyPids(group) : [],
    );
    if (pids.length === 0) return new Map();
    try {
      return cpuOfGroups(new Set(pids));
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, 'the use of CPU cannot be read');
      return undefined;
    }
  }

  #loadOf(
    { group, spec, cpu }: Scaled,
    used: ReadonlyMap<number, number> | undefined,
    now: number,
  ) {
    if (spec.target.kind === 'inFlight') return this.#options.telemetry.inFlight(group.name, now);
    if (used === undefined) return undefined;
    const own = healthyPids(group).flatMap((pid) => {
      const cpuMs = used.get(pid);
      return cpuMs === undefined ? [] : [[pid, cpuMs] as const];
    });
    return cpu.cores(new Map(own), now);
  }

  async #step(scaled: Scaled, count: number, load: number): Promise<void> {
    const { onNews, log, telemetry } = this.#options;
    const { group, spec, steps } = scaled;
    const before = group.wanted;
    const step = count > before ? 'growth' : 'shrinking';
    const each = loadText(scalingStatus(spec, load / before));
    const what = `from ${before} to ${count}: each has ${each}`;
    steps.add(step);
    onNews(`${group.name} scales ${what}`);
    void telemetry.scaled(group.name, what);
    try {
      await group.scale(count);
    } catch (error) {
      scaled.notBefore = performance.now() + FAILED_MS;
      const reason = messageOf(error);
      log.warn({ service: group.name, count, reason }, 'could not be scaled');
      onNews(`${group.name} could not be scaled to ${count}: ${reason}`);
    } finally {
      steps.delete(step);
    }
  }
}
