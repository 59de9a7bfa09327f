// Ticks of durations where people expect them: at 1, 2, 5, 10, 30 seconds, and so on with minutes and hours.
// Grafana has no setting for that: it uses 20, 50 and 100 s, and writes the last one as 1.67 mins.
import type uPlot from 'uplot';

/** Grafana's unit of durations. */
export const SECONDS = 's';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[-6, -5, -4, -3, -2, -1].flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`))),
  ...[1, 2, 5, 10, 30],
  ...[1, 2, 5, 10, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((days) => days * DAY),
];
const LOG = 3;

/** Gives the vertical axes of a plot such ticks. */
export function tickDurations(plot: uPlot): void {
  for (const axis of plot.axes.slice(1)) {
    const isLog = Number(plot.scales[axis.scale ?? '']?.distr) === LOG;
    axis.splits = (_, _axis, min, max, increment, space) =>
      isLog ? logarithmic(plot, min, max, space) : linear(min, max, increment);
    // uPlot's own filter would remove all but powers of ten.
    axis.filter = (_, ticks) => ticks;
  }
}

/** Beyond a minute the steps are half a minute or more, or 70 s would stand there as 1.17 mins; so it is with hours. */
function linear(min: number, max: number, increment: number): number[] {
  const unit = [DAY, HOUR, MINUTE].find((one) => max > one) ?? 0;
  const step = STEPS.find((one) => one >= increment * 0.999 && one >= unit / 2) ?? increment;
  const first = Math.ceil(min / step);
  const count = Math.floor(max / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** As many ticks as fit, from the lowest up. */
function logarithmic(plot: uPlot, min: number, max: number, space: number): number[] {
  const height = plot.bbox.height / devicePixelRatio;
  const span = Math.log(max / min);
  const place = (value: number) => (span > 0 ? (Math.log(value / min) / span) * height : 0);
  return STEPS.filter((one) => one >= min && one <= max).reduce<number[]>((kept, one) => {
    const last = kept.at(-1);
    return last === undefined || place(one) - place(last) >= space ? [...kept, one] : kept;
  }, []);
}
