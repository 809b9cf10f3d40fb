/** Statistics of the benches: medians and paired ratios, which a noisy machine distorts least. */

/** The value that a share `q` (0 to 1) of `values` does not exceed, between two of them in proportion. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below === above ? below : below + (above - below) * (position - Math.floor(position));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** `value / baseline`; 1 when both are 0. Infinity when only the baseline is. */
export function ratioOf(value: number, baseline: number): number {
  return value === 0 && baseline === 0 ? 1 : value / baseline;
}

/** What one metric of two arms comes to over the rounds. */
export interface Comparison {
  /** Median of the first arm. */
  readonly value: number;
  /** Median of the second. */
  readonly baseline: number;
  /** Median over the rounds of first / second, each round's with its own. */
  readonly ratio: number;
  /** Least and greatest of these ratios. */
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
}

/**
 * Compares two arms round by round: what disturbed a round disturbed both, so their ratio holds.
 * @throws RangeError unless both have one figure for each round
 */
export function compare(values: readonly number[], baselines: readonly number[]): Comparison {
  if (values.length === 0 || values.length !== baselines.length) {
    throw new RangeError(`${values.length} figures cannot be paired with ${baselines.length}`);
  }
  const ratios = values.map((value, round) => ratioOf(value, baselines[round] as number));
  return {
    value: median(values),
    baseline: median(baselines),
    ratio: median(ratios),
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    rounds: ratios.length,
  };
}

/**
 * Compares a statistic that one round has too few observations for: over all rounds together. Least and
 * greatest are of the ratios that come out when any one round is left out.
 */
export function comparePooled<T>(
  values: readonly (readonly T[])[],
  baselines: readonly (readonly T[])[],
  statistic: (observations: readonly T[]) => number,
): Comparison {
  if (values.length === 0 || values.length !== baselines.length) {
    throw new RangeError(`${values.length} rounds cannot be paired with ${baselines.length}`);
  }
  const without = (rounds: readonly (readonly T[])[], left: number) =>
    statistic(rounds.filter((_, round) => round !== left).flat());
  const value = statistic(values.flat());
  const baseline = statistic(baselines.flat());
  const ratio = ratioOf(value, baseline);
  const ratios =
    values.length === 1
      ? [ratio]
      : values.map((_, left) => ratioOf(without(values, left), without(baselines, left)));
  return {
    value,
    baseline,
    ratio,
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    rounds: values.length,
  };
}
