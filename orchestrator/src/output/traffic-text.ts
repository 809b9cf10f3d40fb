/** Calls a second: `0`, `0.3`, `12`, `12.3k`. */
export function rateText(perSecond: number): string {
  if (perSecond <= 0) return '0';
  if (perSecond < 0.05) return '<0.1';
  if (perSecond < 9.95) return perSecond.toFixed(1);
  if (perSecond < 9999.5) return perSecond.toFixed(0);
  return `${(perSecond / 1000).toFixed(1)}k`;
}

/** A share of calls in per cent; `-` of no calls. */
export function shareText(part: number, whole: number): string {
  if (whole <= 0) return '-';
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return '<0.1%';
  return `${percent < 9.95 && percent > 0 ? percent.toFixed(1) : percent.toFixed(0)}%`;
}

/** How long calls take; `-` when none was seen. */
export function latencyText(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 9999.5 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
