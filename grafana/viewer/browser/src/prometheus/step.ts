// The step of a query, and Grafana's built-in variables that depend on it.
import { rangeUtil, type ScopedVars, type TimeRange } from '@grafana/data';

/** Prometheus' limit of points in a series. */
const MOST_POINTS = 11_000;

export function secondsOf(range: TimeRange): number {
  return (range.to.valueOf() - range.from.valueOf()) / 1000;
}

/** Seconds between the points of a graph. */
export function stepOf(range: TimeRange, points: number, minimum: string): number {
  const { intervalMs } = rangeUtil.calculateInterval(range, points, minimum);
  return Math.max(intervalMs / 1000, Math.ceil(secondsOf(range) / MOST_POINTS));
}

export function builtins(range: TimeRange, step: number, minimum: string): ScopedVars {
  const scrape = rangeUtil.intervalToSeconds(minimum);
  return {
    ...rangeBuiltins(range),
    ...scoped({
      __interval: rangeUtil.secondsToHms(step),
      __interval_ms: step * 1000,
      __rate_interval: `${Math.max(step + scrape, 4 * scrape)}s`,
    }),
  };
}

/** The variables that depend only on the range. */
export function rangeBuiltins(range: TimeRange): ScopedVars {
  const seconds = Math.round(secondsOf(range));
  return scoped({ __range: `${seconds}s`, __range_s: seconds, __range_ms: seconds * 1000 });
}

function scoped(values: Record<string, string | number>): ScopedVars {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { text: String(value), value }]));
}
