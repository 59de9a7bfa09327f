// A plot of rows over time, for heatmaps and state timelines. No package contains Grafana's own.
import { dateTimeFormat, type PanelProps } from '@grafana/data';
import { AxisPlacement, DashboardCursorSync, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import {
  measureText,
  TooltipPlugin2,
  UPlotChart,
  UPlotConfigBuilder,
  usePanelContext,
  useTheme2,
  VizLayout,
  VizTooltipContent,
  VizTooltipHeader,
  type VizTooltipItem,
  VizTooltipWrapper,
} from '@grafana/ui';
import { type JSX, type ReactElement, useLayoutEffect, useMemo, useRef } from 'react';
import type uPlot from 'uplot';
import { Annotations } from './Annotations';
import { clipped, type Mark, Overlay } from './overlay';
import { PADDING } from './padding';
import { HOVER } from './tooltip';

export interface Rows {
  /** Names of the rows, in drawing order. */
  names: string[];
  /** Times with a tooltip, in milliseconds. */
  times: number[];
  draw: (plot: uPlot, context: CanvasRenderingContext2D) => void;
  describe: (row: number, time: number) => VizTooltipItem[];
}

interface Props {
  panel: PanelProps;
  rows: Rows;
  /** Where the first row is. */
  first: 'top' | 'bottom';
  marks?: Mark[];
  legend?: ReactElement<{ placement: 'bottom' | 'right'; children: ReactElement }>;
}

const NO_MARKS: Mark[] = [];

export function RowPlot({ panel, rows, first, marks = NO_MARKS, legend }: Props): JSX.Element {
  const config = useConfig(panel, rows, first);
  const { sync, eventsScope } = usePanelContext();
  const data = useMemo((): uPlot.AlignedData => [rows.times, rows.times.map(() => 0)], [rows]);
  return (
    <VizLayout width={panel.width} height={panel.height} legend={legend as never}>
      {(width: number, height: number) => (
        <UPlotChart config={config} data={data} width={width} height={height}>
          <TooltipPlugin2
            config={config}
            hoverMode={HOVER.cell}
            syncMode={sync?.() ?? DashboardCursorSync.Off}
            syncScope={eventsScope}
            queryZoom={({ from, to }) => panel.onChangeTimeRange({ from, to })}
            render={(plot, indexes, _series, isPinned, _dismiss, _range, viaSync) => {
              const time = rows.times[indexes.find((one) => one !== null && one !== undefined) ?? 0];
              if (viaSync || time === undefined) {
                return null;
              }
              const row = Math.round(plot.posToVal(plot.cursor.top ?? 0, 'y'));
              return (
                <VizTooltipWrapper>
                  <VizTooltipHeader
                    item={{ label: '', value: dateTimeFormat(time, { timeZone: panel.timeZone }) }}
                    isPinned={isPinned}
                  />
                  <VizTooltipContent
                    items={rows.describe(Math.min(rows.names.length - 1, Math.max(0, row)), time)}
                    isPinned={isPinned}
                  />
                </VizTooltipWrapper>
              );
            }}
          />
          <Annotations config={config} annotations={panel.data.annotations} timeZone={panel.timeZone} />
          <Overlay config={config} marks={marks} />
        </UPlotChart>
      )}
    </VizLayout>
  );
}

function useConfig({ timeRange, timeZone }: PanelProps, rows: Rows, first: Props['first']): UPlotConfigBuilder {
  const theme = useTheme2();
  // uPlot reads these while it draws. A new configuration would create a new plot.
  const latest = useRef({ rows, timeRange });
  useLayoutEffect(() => {
    latest.current = { rows, timeRange };
  });
  const names = rows.names.join('\n');
  return useMemo(() => {
    const count = names.split('\n').length;
    const builder = new UPlotConfigBuilder(timeZone);
    builder.setPadding(PADDING);
    builder.addScale({
      scaleKey: 'x',
      isTime: true,
      orientation: ScaleOrientation.Horizontal,
      direction: ScaleDirection.Right,
      range: () => [latest.current.timeRange.from.valueOf(), latest.current.timeRange.to.valueOf()],
    });
    builder.addScale({
      scaleKey: 'y',
      orientation: ScaleOrientation.Vertical,
      direction: first === 'top' ? ScaleDirection.Down : ScaleDirection.Up,
      range: () => [-0.5, count - 0.5],
    });
    builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone, theme });
    builder.addAxis({
      scaleKey: 'y',
      placement: AxisPlacement.Left,
      theme,
      grid: { show: false },
      ticks: { show: first === 'bottom' },
      splits: (plot) => readable(count, plot.height),
      values: (_plot, splits) => splits.map((row) => latest.current.rows.names[row] ?? ''),
      // Grafana measures the first of the names with most letters, which need not be the widest.
      size: ((plot: uPlot) =>
        BESIDE_NAMES + Math.min(widest(latest.current.rows.names), MOST_FOR_NAMES * plot.width)) as never,
    });
    builder.addSeries({ scaleKey: 'y', theme, pxAlign: false, show: true, pathBuilder: () => null, pointsBuilder: () => null } as never);
    builder.addHook('drawAxes', (plot) => clipped(plot, (context) => latest.current.rows.draw(plot, context)));
    builder.setCursor({ focus: { prox: 1e6 } });
    return builder;
  }, [names, timeZone, theme, first]);
}

const LINE = 14;
const LETTERS = 12;
const BESIDE_NAMES = 16;
const MOST_FOR_NAMES = 0.4;

function widest(names: string[]): number {
  return Math.ceil(Math.max(...names.map((name) => measureText(name, LETTERS).width)));
}

/** The rows whose names fit into this height in pixels. */
function readable(count: number, height: number): number[] {
  const every = Math.max(1, Math.ceil((count * LINE) / Math.max(1, height)));
  return Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
}
