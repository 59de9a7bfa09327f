// The values of a variable.
import { type MetricFindValue, type TimeRange } from '@grafana/data';
import { ask, type Parameters } from './api';

const LABEL_VALUES = /^label_values\((?:\s*(?<selector>.+)\s*,)?\s*(?<label>[a-zA-Z_]\w*)\s*\)$/s;

/** Runs `label_values(label)` or `label_values(selector, label)`. */
export async function labelValues(query: string, range: TimeRange | undefined): Promise<MetricFindValue[]> {
  const { selector, label } = LABEL_VALUES.exec(query.trim())?.groups ?? {};
  if (!label) {
    throw new Error(`Variable query: expected label_values(selector, label), got ${query}`);
  }
  const parameters: Parameters = selector ? { 'match[]': selector } : {};
  if (range) {
    parameters.start = range.from.valueOf() / 1000;
    parameters.end = range.to.valueOf() / 1000;
  }
  const values = await ask<string[]>(`label/${label}/values`, parameters);
  return values.map((text) => ({ text }));
}
