import type { WireEdge } from './wire.ts';

/** The traffic of one service over time, in columns of one length. */
export interface Columns {
  /** In seconds since 1970. */
  readonly times: number[];
  readonly rate: number[];
  readonly errors: number[];
  readonly p50Ms: (number | null)[];
  readonly p99Ms: (number | null)[];
}

/** Five minutes, at one a second. */
const MAX_POINTS = 300;
/** How long a service without traffic is remembered: as long as its points would be. */
const SILENT_SECONDS = 300;
const MAX_SERVICES = 1000;

/** The last minutes of every service's traffic, gathered while the page is open. Bounded. */
export class TrafficHistory {
  readonly #services = new Map<string, Columns>();

  /** Takes the traffic at a time in ms; a service that is not in it had none. */
  add(timeMs: number, totals: readonly WireEdge[]): void {
    const time = timeMs / 1000;
    const present = new Map(totals.map((edge) => [edge.service, edge]));
    for (const name of present.keys()) {
      if (!this.#services.has(name) && this.#services.size < MAX_SERVICES) {
        this.#services.set(name, { times: [], rate: [], errors: [], p50Ms: [], p99Ms: [] });
      }
    }
    for (const [name, columns] of this.#services) {
      const edge = present.get(name);
      columns.times.push(time);
      columns.rate.push(edge?.rate ?? 0);
      columns.errors.push(edge?.errors ?? 0);
      columns.p50Ms.push(edge === undefined ? null : edge.p50Ms);
      columns.p99Ms.push(edge === undefined ? null : edge.p99Ms);
      if (columns.times.length > MAX_POINTS) this.#trim(columns);
      const isSilent = edge === undefined && columns.rate.every((rate) => rate === 0);
      if (isSilent && time - (columns.times[0] ?? time) > SILENT_SECONDS / 2) {
        this.#services.delete(name);
      }
    }
  }

  of(service: string): Columns | undefined {
    return this.#services.get(service);
  }

  #trim(columns: Columns): void {
    for (const column of Object.values(columns)) column.shift();
  }
}
