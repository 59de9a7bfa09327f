// Heatmap of buckets over time, with a colour scale, and exemplars as diamonds that link to their jobs.
import { css } from '@emotion/css';
import {
  type DataFrame,
  type Field,
  formattedValueToString,
  type GrafanaTheme2,
  getValueFormat,
  type PanelProps,
  dateTimeFormat,
} from '@grafana/data';
import { useStyles2, useTheme2, VizLayout } from '@grafana/ui';
import { interpolateOranges } from 'd3-scale-chromatic';
import { type JSX, useMemo } from 'react';
import { type Labels } from '../prometheus/model';
import { ExemplarDetails } from './ExemplarDetails';
import { Message } from './Message';
import { type Mark } from './overlay';
import { RowPlot, type Rows } from './RowPlot';

export interface HeatmapOptions {
  cellGap: number;
  cellValues: { unit?: string };
  color: { exponent: number; reverse: boolean };
  exemplars: { color: string };
  filterValues: { le: number };
  legend: { show: boolean };
  yAxis: { unit?: string };
}

/** Of a diamond, in pixels. */
const SIZE = 10;
/** Of the bar of colours. */
const STEPS = 16;

export function Heatmap(props: PanelProps<HeatmapOptions>): JSX.Element {
  const { data, options, fieldConfig } = props;
  const theme = useTheme2();
  const frame = data.series[0];
  const rows = useMemo(() => (frame && frame.length > 0 ? rowsOf(frame, options, theme) : undefined), [frame, options, theme]);
  const marks = useExemplars(props);
  if (!rows || !frame) {
    return <Message data={data} noValue={fieldConfig.defaults.noValue} />;
  }
  const legend = options.legend.show ? (
    <VizLayout.Legend placement="bottom">
      <ColourBar most={mostOf(bucketsOf(frame))} options={options} />
    </VizLayout.Legend>
  ) : undefined;
  return <RowPlot panel={props} rows={rows} first="bottom" marks={marks} legend={legend as never} />;
}

function bucketsOf(frame: DataFrame): Field<number>[] {
  return frame.fields.slice(1) as Field<number>[];
}

function mostOf(buckets: Field<number>[]): number {
  return buckets.reduce((most, field) => field.values.reduce((a, b) => Math.max(a, b), most), 1e-12);
}

function formatter(unit: string | undefined): (value: number) => string {
  const format = getValueFormat(unit ?? 'short');
  return (value) => formattedValueToString(format(value));
}

/** Grafana's scheme: low counts are close to the background colour. */
function colourOf(share: number, { color }: HeatmapOptions, theme: GrafanaTheme2): string {
  const strength = Math.pow(share, color.exponent);
  return interpolateOranges(theme.isDark === color.reverse ? strength : 1 - strength);
}

function rowsOf(frame: DataFrame, options: HeatmapOptions, theme: GrafanaTheme2): Rows {
  const buckets = bucketsOf(frame);
  const time = frame.fields[0] as Field<number>;
  const bound = formatter(options.yAxis.unit);
  const amount = formatter(options.cellValues.unit);
  const names = buckets.map((field) => (field.name === '+Inf' ? '+Inf' : bound(Number(field.name))));
  const most = mostOf(buckets);
  const hidden = options.filterValues.le;
  const gap = options.cellGap;
  const step = time.config.interval ?? 0;
  return {
    names,
    times: time.values,
    draw: (plot, context) => {
      const edges = time.values.map((at) => [plot.valToPos(at - step, 'x', true), plot.valToPos(at, 'x', true)] as const);
      buckets.forEach((field, row) => {
        const top = plot.valToPos(row + 0.5, 'y', true);
        const bottom = plot.valToPos(row - 0.5, 'y', true);
        edges.forEach(([left, right], i) => {
          const value = field.values[i] ?? 0;
          if (value > hidden) {
            context.fillStyle = colourOf(value / most, options, theme);
            context.fillRect(left, top, Math.max(1, right - left - gap), bottom - top - gap);
          }
        });
      });
    },
    describe: (row, at) => {
      const value = buckets[row]?.values[time.values.indexOf(at)] ?? 0;
      const below = row > 0 ? `${names[row - 1]} to ` : 'up to ';
      return [{ label: below + (names[row] ?? ''), value: amount(value), color: colourOf(value / most, options, theme) }];
    },
  };
}

function useExemplars({ data, options, timeZone }: PanelProps<HeatmapOptions>): Mark[] {
  const styles = useStyles2(getStyles);
  const color = options.exemplars.color;
  const unit = options.yAxis.unit;
  return useMemo(() => {
    const [frame] = data.series;
    const bounds = frame ? bucketsOf(frame).map((field) => (field.name === '+Inf' ? Infinity : Number(field.name))) : [];
    const format = formatter(unit);
    return (data.annotations ?? []).filter((one) => one.name === 'exemplar').flatMap((exemplars) => {
      const [times, values, labels] = exemplars.fields.map((field) => field.values as unknown[]);
      return (times ?? []).map((at, i): Mark => {
        const time = at as number;
        const value = values?.[i] as number;
        const row = bounds.findIndex((bound) => value <= bound);
        return {
          key: `${time}-${value}-${i}`,
          label: `Exemplar of ${format(value)} at ${dateTimeFormat(time, { timeZone })}`,
          className: styles.exemplar(color),
          place: (plot) => {
            const left = plot.valToPos(time, 'x');
            const isInside = left >= 0 && left <= plot.over.clientWidth && row >= 0;
            return isInside ? { left: left - SIZE / 2, top: plot.valToPos(row, 'y') - SIZE / 2, width: SIZE } : undefined;
          },
          content: <ExemplarDetails time={dateTimeFormat(time, { timeZone })} value={format(value)} labels={labels?.[i] as Labels} />,
        };
      });
    });
  }, [data, color, unit, timeZone, styles]);
}

function ColourBar({ most, options }: { most: number; options: HeatmapOptions }): JSX.Element {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  const colours = Array.from({ length: STEPS + 1 }, (_, i) => colourOf(i / STEPS, options, theme));
  const amount = formatter(options.cellValues.unit);
  return (
    <div className={styles.legend}>
      <span>{amount(0)}</span>
      <span className={styles.bar} style={{ background: `linear-gradient(to right, ${colours.join(', ')})` }} />
      <span>{amount(most)}</span>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  exemplar: (color: string) => css({ height: SIZE, transform: 'rotate(45deg)', background: `${color} !important` }),
  legend: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1), ...theme.typography.bodySmall }),
  bar: css({ width: 200, height: 8, borderRadius: theme.shape.radius.default }),
});
