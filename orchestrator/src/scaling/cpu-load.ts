/** Over how long the use of CPU is averaged, in ms. */
const WINDOW_MS = 10_000;

interface Sample {
  readonly at: number;
  readonly cpuMs: number;
}

/**
 * The cores that processes keep busy, on average over the last 10 s. A process counts from the second
 * time it is seen: so, watched once it is healthy, what its start costs is no load. Pure.
 */
export class CpuLoad {
  readonly #samples = new Map<number, Sample[]>();

  /**
   * @param used CPU time of every process watched, in ms, by id; one left out is forgotten
   * @returns cores in use by all; undefined until one was seen twice
   */
  cores(used: ReadonlyMap<number, number>, now: number): number | undefined {
    for (const pid of this.#samples.keys()) if (!used.has(pid)) this.#samples.delete(pid);
    let cores: number | undefined;
    for (const [pid, cpuMs] of used) {
      const samples = (this.#samples.get(pid) ?? []).filter(({ at }) => at > now - WINDOW_MS);
      const [first] = samples;
      if (first !== undefined && now > first.at) {
        // A process of the group that has ended takes its time along.
        cores = (cores ?? 0) + Math.max(0, cpuMs - first.cpuMs) / (now - first.at);
      }
      samples.push({ at: now, cpuMs });
      this.#samples.set(pid, samples);
    }
    return cores;
  }
}
