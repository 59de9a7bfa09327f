import {
  type DataFrame,
  type DisplayProcessor,
  type Field,
  FieldType,
  formattedValueToString,
  getDisplayProcessor,
  getFieldDisplayName,
  type GrafanaTheme2,
  type PanelProps,
} from '@grafana/data';
import { type LegendDisplayMode, type LegendPlacement } from '@grafana/schema';
import { useTheme2, VizLayout, VizLegend } from '@grafana/ui';
import { type JSX, useMemo } from 'react';
import { Message } from './Message';
import { RowPlot, type Rows } from './RowPlot';

export interface StateTimelineOptions {
  rowHeight: number;
  mergeValues: boolean;
  legend: { showLegend: boolean; displayMode: LegendDisplayMode; placement: LegendPlacement };
}

interface State {
  from: number;
  to: number;
  text: string;
  color: string;
}

interface Row {
  name: string;
  opacity: number;
  states: State[];
}

const GREY = '#888';

export function StateTimeline(props: PanelProps<StateTimelineOptions>): JSX.Element {
  const { data, options, fieldConfig } = props;
  const theme = useTheme2();
  const states = useMemo(() => rowsOf(data.series, options.mergeValues, theme), [data.series, options.mergeValues, theme]);
  const rows = useMemo(() => drawn(states, data.series, options.rowHeight), [states, data.series, options.rowHeight]);
  if (states.length === 0) {
    return <Message data={data} noValue={fieldConfig.defaults.noValue} />;
  }
  const colours = new Map(states.flatMap((row) => row.states.map((state) => [state.text, state.color] as const)));
  const items = [...colours].sort().map(([label, color]) => ({ label, color, yAxis: 1 }));
  const legend = options.legend.showLegend ? (
    <VizLayout.Legend placement={options.legend.placement}>
      <VizLegend placement={options.legend.placement} displayMode={options.legend.displayMode} items={items} readonly />
    </VizLayout.Legend>
  ) : undefined;
  return <RowPlot panel={props} rows={rows} first="top" legend={legend as never} />;
}

function rowsOf(series: DataFrame[], merge: boolean, theme: GrafanaTheme2): Row[] {
  return series.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time) as Field<number> | undefined;
    const fields = frame.fields.filter((field) => field.type !== FieldType.time) as Field<number | null>[];
    return fields.flatMap((field) => {
      const states = time ? statesOf(time, field, merge, field.display ?? getDisplayProcessor({ field, theme })) : [];
      const opacity = ((field.config.custom as { fillOpacity?: number } | undefined)?.fillOpacity ?? 70) / 100;
      return states.length > 0 ? [{ name: getFieldDisplayName(field, frame, series), opacity, states }] : [];
    });
  });
}

/** The consecutive states; a step without a value is a gap. */
function statesOf(time: Field<number>, field: Field<number | null>, merge: boolean, display: DisplayProcessor): State[] {
  const step = time.config.interval ?? 15_000;
  const states: State[] = [];
  time.values.forEach((from, i) => {
    const value = field.values[i];
    if (value === null || value === undefined) {
      return;
    }
    const shown = display(value);
    const text = formattedValueToString(shown);
    const to = from + step;
    const last = states.at(-1);
    if (merge && last?.text === text && from - last.to < step / 2) {
      last.to = to;
    } else {
      states.push({ from, to, text, color: shown.color ?? GREY });
    }
  });
  return states;
}

function drawn(rows: Row[], series: DataFrame[], rowHeight: number): Rows {
  const times = new Set(series.flatMap((frame) => frame.fields.find((field) => field.type === FieldType.time)?.values as number[]));
  return {
    names: rows.map((row) => row.name),
    times: [...times].sort((a, b) => a - b),
    draw: (plot, context) =>
      rows.forEach((row, i) => {
        const top = plot.valToPos(i - rowHeight / 2, 'y', true);
        const bottom = plot.valToPos(i + rowHeight / 2, 'y', true);
        context.globalAlpha = row.opacity;
        for (const state of row.states) {
          const left = Math.round(plot.valToPos(state.from, 'x', true));
          const right = Math.round(plot.valToPos(state.to, 'x', true));
          context.fillStyle = state.color;
          context.fillRect(left, top, Math.max(1, right - left), bottom - top);
        }
      }),
    describe: (i, time) => {
      const row = rows[i];
      const state = row?.states.findLast((one) => one.from <= time);
      const isNow = state && time < state.to;
      return row ? [{ label: row.name, value: isNow ? state.text : 'no value', color: isNow ? state.color : undefined }] : [];
    },
  };
}
