// Runs the queries of a panel and turns the answers into frames.
import { type DataFrame, type DataQueryError, type ScopedVars, type TimeRange } from '@grafana/data';
import { ask } from './api';
import { exemplarFrame } from './exemplars';
import { heatmapFrame, tableFrame, timeSeriesFrame } from './frames';
import { type ExemplarAnswer, numberOf, type PrometheusQuery, type QueryAnswer, samplesOf, type Series } from './model';
import { builtins, stepOf } from './step';

/** More series in one graph slow the page down and cannot be distinguished. A button shows all of them. */
export const MOST_SERIES = 250;

export interface Asked {
  queries: PrometheusQuery[];
  range: TimeRange;
  points: number;
  scrapeInterval: string;
  fill: (expr: string, builtin: ScopedVars) => string;
  signal: AbortSignal;
}

export interface Answered {
  data: DataFrame[];
  errors: DataQueryError[];
}

/** Runs all queries. If one fails, the frames of the others remain. */
export async function runQueries(asked: Asked): Promise<Answered> {
  const shown = asked.queries.filter((query) => !query.hide);
  const tables = shown.filter((query) => query.format === 'table').length;
  const results = await Promise.allSettled(shown.map((query) => runQuery(query, asked, tables > 1)));
  asked.signal.throwIfAborted();
  return {
    data: results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])),
    errors: results.flatMap((result, i) =>
      result.status === 'rejected' ? [{ refId: shown[i]?.refId, message: messageOf(result.reason) }] : [],
    ),
  };
}

function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

async function runQuery(query: PrometheusQuery, asked: Asked, isOneOfSeveral: boolean): Promise<DataFrame[]> {
  const minimum = query.interval ?? asked.scrapeInterval;
  const step = stepOf(asked.range, asked.points, minimum);
  const expr = asked.fill(query.expr, builtins(asked.range, step, minimum));
  const start = asked.range.from.valueOf() / 1000;
  const end = asked.range.to.valueOf() / 1000;
  const answer = query.instant
    ? await ask<QueryAnswer>('query', { query: expr, time: end }, asked.signal)
    : await ask<QueryAnswer>(
        'query_range',
        // Aligned to the step, so that a graph does not flicker with each refresh.
        { query: expr, start: Math.floor(start / step) * step, end: Math.floor(end / step) * step, step },
        asked.signal,
      );
  const frames = framesOf(query, seriesOf(answer), query.instant ? 0 : step, isOneOfSeveral);
  for (const frame of frames) {
    frame.meta = { ...frame.meta, executedQueryString: `Expr: ${expr}\nStep: ${step}s` };
  }
  if (query.exemplar) {
    const exemplars = await ask<ExemplarAnswer>('query_exemplars', { query: expr, start, end }, asked.signal);
    frames.push(exemplarFrame(query.refId, exemplars, step));
  }
  return frames;
}

function seriesOf(answer: QueryAnswer): Series[] {
  if (answer.resultType === 'scalar' || answer.resultType === 'string') {
    return [{ metric: {}, value: answer.result }];
  }
  return answer.result;
}

function framesOf(query: PrometheusQuery, series: Series[], step: number, isOneOfSeveral: boolean): DataFrame[] {
  switch (query.format) {
    case 'table':
      return [tableFrame(query, series, isOneOfSeveral ? `Value #${query.refId}` : 'Value')];
    case 'heatmap':
      return series.length > 0 ? [heatmapFrame(query, series, step)] : [];
    default:
      return highestFirst(series).map((one) => timeSeriesFrame(query, one, step));
  }
}

/** If there are more series than a graph shows, keeps those with the highest values. */
function highestFirst(series: Series[]): Series[] {
  if (series.length <= MOST_SERIES) {
    return series;
  }
  const peaks = new Map(series.map((one) => [one, peakOf(one)]));
  return [...series].sort((a, b) => (peaks.get(b) ?? 0) - (peaks.get(a) ?? 0));
}

function peakOf(series: Series): number {
  return samplesOf(series).reduce((peak, [, text]) => Math.max(peak, numberOf(text) || 0), 0);
}
