// Ticks of counts on a logarithmic axis with a zero: uPlot draws ticks below zero too, outside the graph.
import type uPlot from 'uplot';

const SYMLOG = 4;

/** Names zero and the powers of ten. */
export function tickCounts(plot: uPlot): void {
  for (const axis of plot.axes.slice(1)) {
    if (Number(plot.scales[axis.scale ?? '']?.distr) === SYMLOG) {
      axis.filter = (_, ticks) => ticks.map((tick) => (isNamed(tick) ? tick : null));
    }
  }
}

function isNamed(tick: number): boolean {
  const power = Math.log10(tick);
  return tick === 0 || Math.abs(power - Math.round(power)) < 1e-6;
}
