import { type Metric, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

/** One number of a metric. */
export interface Sample {
  readonly value: number;
  readonly labels?: Labels;
  /** What a histogram calls its parts; default: as the metric. */
  readonly metricName?: string;
}

/** Reads a metric: one number, or some, each with its labels. */
export type ReadMetric = () => number | Iterable<Sample>;

type MetricType = 'counter' | 'gauge' | 'histogram';

/**
 * Some metrics, each read only when somebody asks for it: what counts needs to know of no library, and
 * counting costs no more than a number that grows.
 */
export class MetricSet {
  readonly #register = new Registry();

  /** What goes up and down. */
  gauge(name: string, help: string, read: ReadMetric): void {
    this.#add('gauge', name, help, read);
  }

  /** What only grows; by custom its name ends in `_total`. */
  counter(name: string, help: string, read: ReadMetric): void {
    this.#add('counter', name, help, read);
  }

  /** `read` answers its `_bucket`, `_sum` and `_count` samples. */
  histogram(name: string, help: string, read: ReadMetric): void {
    this.#add('histogram', name, help, read);
  }

  /** All of them in Prometheus's text format. */
  text(): Promise<string> {
    return this.#register.metrics();
  }

  /** @throws Error when there is one of that name */
  #add(type: MetricType, name: string, help: string, read: ReadMetric): void {
    const get = async () => {
      const found = read();
      const values = typeof found === 'number' ? [{ value: found }] : [...found];
      return { name, help, type, values };
    };
    // The library asks no more of a metric than its name and `get`.
    this.#register.registerMetric({ name, get } as unknown as Metric);
  }
}
