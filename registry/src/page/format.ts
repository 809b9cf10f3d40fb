/** 0, 0.25, 3.4, 120, 12k: calls a second and the like. */
export function numberText(value: number): string {
  if (value === 0) return '0';
  if (value < 0.01) return '<0.01';
  if (value < 1) return value.toFixed(2);
  if (value < 100) return value.toFixed(1).replace(/\.0$/, '');
  if (value < 10_000) return Math.round(value).toLocaleString('en');
  if (value < 1_000_000) return `${(value / 1000).toFixed(1).replace(/\.0$/, '')}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}

/** 0.42 ms, 12 ms, 1.2 s. */
export function millisText(ms: number): string {
  if (ms === 0) return '–';
  if (ms < 10) return `${ms.toFixed(ms < 1 ? 2 : 1)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** 3 s, 4 min, 2 h, 5 d. */
export function agoText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** 13:04:05, by the clock of who looks. */
export function clockText(time: number): string {
  return new Date(time).toLocaleTimeString('en-GB');
}

/** The share of calls that failed: 0%, 0.3%, 12%. */
export function shareText(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0%';
  const percent = (100 * part) / whole;
  return `${percent < 10 ? percent.toFixed(1) : Math.round(percent)}%`;
}

/** `BREAKER_OPENED` as `breaker opened`. */
export function wordsOf(name: string): string {
  return name.toLowerCase().replaceAll('_', ' ');
}
