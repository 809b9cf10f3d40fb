import { type Comparison, compare } from './stats.ts';

/** One line of bench.json. */
export interface Row extends Comparison {
  /** Name of the bench: `call`. */
  readonly bench: string;
  /** Both arms, and under what: `weft+grpc-js vs bare grpc-js c32`. */
  readonly case: string;
  /** What is compared, with its unit: `calls/s`, `client CPU us/call`. */
  readonly metric: string;
}

/** The figures of one arm, one for each round, by metric. */
export type Figures = ReadonlyMap<string, readonly number[]>;

/** Collects what arms measured, metric by metric, in the order of the rounds. */
export class FigureTable {
  readonly #arms = new Map<string, Map<string, number[]>>();

  add(arm: string, figures: Readonly<Record<string, number>>): void {
    const metrics = this.#arms.get(arm) ?? new Map<string, number[]>();
    this.#arms.set(arm, metrics);
    for (const [metric, figure] of Object.entries(figures)) {
      const list = metrics.get(metric);
      if (list === undefined) metrics.set(metric, [figure]);
      else list.push(figure);
    }
  }

  /** @throws Error when the arm measured nothing */
  of(arm: string): Figures {
    const metrics = this.#arms.get(arm);
    if (metrics === undefined) throw new Error(`${arm} measured nothing`);
    return metrics;
  }

  /** The rows of one case: every metric that both arms have. */
  rows(bench: string, name: string, arm: string, baseline: string): Row[] {
    const others = this.of(baseline);
    return [...this.of(arm)].flatMap(([metric, values]) => {
      const baselines = others.get(metric);
      if (baselines === undefined) return [];
      return [{ bench, case: name, metric, ...compare(values, baselines) }];
    });
  }
}
