// Prometheus' answers as Grafana's data frames.
import { type DataFrame, DataFrameType, type Field, FieldType } from '@grafana/data';
import { type Labels, numberOf, type PrometheusQuery, type Sample, samplesOf, type Series } from './model';

/** Maximum length of a series name in legends and tooltips. */
const LONGEST_NAME = 200;

export function timeSeriesFrame(query: PrometheusQuery, series: Series, step: number): DataFrame {
  const samples = withGaps(samplesOf(series), step);
  return {
    refId: query.refId,
    length: samples.length,
    meta: { type: DataFrameType.TimeSeriesMulti },
    fields: [
      timeField(samples.map(([seconds]) => seconds * 1000), step),
      {
        name: 'Value',
        type: FieldType.number,
        labels: series.metric,
        config: { displayNameFromDS: nameOf(query, series.metric) },
        values: samples.map(([, text]) => finite(text)),
      },
    ],
  };
}

// A step without a sample is a gap. @grafana/ui's TimeSeries only finds gaps in the first frame.
function withGaps(samples: Sample[], step: number): [number, string | null][] {
  return samples.flatMap((sample, i): [number, string | null][] => {
    const before = samples[i - 1];
    const isAfterGap = step > 0 && before && sample[0] - before[0] > step * 1.5;
    return isAfterGap ? [[before[0] + step, null], sample] : [sample];
  });
}

function finite(text: string | null): number | null {
  const number = text === null ? NaN : numberOf(text);
  return Number.isNaN(number) ? null : number;
}

function timeField(values: number[], step: number): Field<number> {
  return { name: 'Time', type: FieldType.time, config: step > 0 ? { interval: step * 1000 } : {}, values };
}

function nameOf(query: PrometheusQuery, labels: Labels): string {
  const named = query.legendFormat && query.legendFormat !== '__auto';
  const name = named ? fillLabels(query.legendFormat, labels) : promqlOf(labels) || query.expr;
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}

function promqlOf({ __name__: metric = '', ...labels }: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length > 0 ? `${metric}{${pairs.join(', ')}}` : metric;
}

/** Replaces `{{label}}`. */
export function fillLabels(text: string | undefined, labels: Labels): string {
  return (text ?? '').replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}

export function tableFrame(query: PrometheusQuery, all: Series[], valueName: string): DataFrame {
  const names = [...new Set(all.flatMap((series) => Object.keys(series.metric).sort()))];
  const rows = all.flatMap((series) =>
    samplesOf(series).map(([seconds, text]) => ({ time: seconds * 1000, value: numberOf(text), labels: series.metric })),
  );
  return {
    refId: query.refId,
    length: rows.length,
    meta: { preferredVisualisationType: 'table' },
    fields: [
      timeField(rows.map((row) => row.time), 0),
      ...names.map((name) => ({
        name,
        type: FieldType.string,
        config: {},
        values: rows.map((row) => row.labels[name] ?? ''),
      })),
      { name: valueName, type: FieldType.number, config: {}, values: rows.map((row) => row.value) },
    ],
  };
}

/** One field for each bucket, from the lowest up, with non-cumulative counts. */
export function heatmapFrame(query: PrometheusQuery, all: Series[], step: number): DataFrame {
  const bound = (series: Series) => numberOf(series.metric.le ?? '');
  const buckets = [...all].sort((a, b) => bound(a) - bound(b));
  const times = [...new Set(buckets.flatMap((bucket) => samplesOf(bucket).map(([seconds]) => seconds * 1000)))];
  times.sort((a, b) => a - b);
  let below = times.map(() => 0);
  const fields = buckets.map((bucket) => {
    const known = new Map(samplesOf(bucket).map(([seconds, text]) => [seconds * 1000, numberOf(text)]));
    const upTo = times.map((time, i) => known.get(time) ?? below[i] ?? 0);
    const values = upTo.map((value, i) => Math.max(0, value - (below[i] ?? 0)));
    below = upTo;
    return { name: bucket.metric.le ?? '', type: FieldType.number, config: {}, labels: bucket.metric, values };
  });
  return {
    refId: query.refId,
    length: times.length,
    meta: { type: DataFrameType.HeatmapRows },
    fields: [timeField(times, step), ...fields],
  };
}
