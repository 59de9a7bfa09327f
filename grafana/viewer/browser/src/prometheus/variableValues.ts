// The values of a variable.
import { type MetricFindValue, type TimeRange } from '@grafana/data';
import { ask, type Parameters } from './api';
import { type QueryAnswer, samplesOf, type Series } from './model';

const LABEL_VALUES = /^label_values\((?:\s*(?<selector>.+)\s*,)?\s*(?<label>[a-zA-Z_]\w*)\s*\)$/s;
const QUERY_RESULT = /^query_result\((?<expr>.+)\)$/s;

/** Runs `label_values(label)`, `label_values(selector, label)` or `query_result(expr)`. */
export async function variableValues(query: string, range: TimeRange | undefined): Promise<MetricFindValue[]> {
  const { expr } = QUERY_RESULT.exec(query.trim())?.groups ?? {};
  return expr ? queryResult(expr, range) : labelValues(query, range);
}

async function labelValues(query: string, range: TimeRange | undefined): Promise<MetricFindValue[]> {
  const { selector, label } = LABEL_VALUES.exec(query.trim())?.groups ?? {};
  if (!label) {
    throw new Error(`Variable query: expected label_values(selector, label) or query_result(expr), got ${query}`);
  }
  const parameters: Parameters = selector ? { 'match[]': selector } : {};
  if (range) {
    parameters.start = range.from.valueOf() / 1000;
    parameters.end = range.to.valueOf() / 1000;
  }
  const values = await ask<string[]>(`label/${label}/values`, parameters);
  return values.map((text) => ({ text }));
}

async function queryResult(query: string, range: TimeRange | undefined): Promise<MetricFindValue[]> {
  const answer = await ask<QueryAnswer>('query', { query, ...(range && { time: range.to.valueOf() / 1000 }) });
  return answer.resultType === 'vector' ? answer.result.map((series) => ({ text: textOf(series) })) : [];
}

/** A series in Grafana's notation, for the variable's regular expression. */
function textOf(series: Series): string {
  const { __name__: name = '', ...labels } = series.metric;
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const [seconds, value] = samplesOf(series)[0] ?? [0, ''];
  return `${name}{${pairs.join(',')}} ${value} ${seconds * 1000}`;
}
