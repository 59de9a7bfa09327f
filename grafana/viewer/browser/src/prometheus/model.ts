// Queries of dashboards, and Prometheus' answers.
import { type DataQuery } from '@grafana/schema';

export interface PrometheusQuery extends DataQuery {
  expr: string;
  instant?: boolean;
  exemplar?: boolean;
  format?: 'time_series' | 'table' | 'heatmap';
  legendFormat?: string;
  interval?: string;
}

export type Labels = Record<string, string>;
export type Sample = [seconds: number, value: string];

export interface Series {
  metric: Labels;
  values?: Sample[];
  value?: Sample;
}

export type QueryAnswer =
  | { resultType: 'matrix'; result: Series[] }
  | { resultType: 'vector'; result: Series[] }
  | { resultType: 'scalar'; result: Sample }
  | { resultType: 'string'; result: Sample };

export type ExemplarAnswer = {
  seriesLabels: Labels;
  exemplars: { labels: Labels; value: string; timestamp: number }[];
}[];

export interface AlertAnswer {
  labels: Labels;
  annotations: Labels;
  state: 'firing' | 'pending' | 'inactive';
  activeAt: string;
}

export interface RuleAnswer {
  name: string;
  state: AlertAnswer['state'];
  annotations: Labels;
  alerts: AlertAnswer[];
}

export interface RulesAnswer {
  groups: { rules: RuleAnswer[] }[];
}

export function samplesOf(series: Series): Sample[] {
  return series.values ?? (series.value ? [series.value] : []);
}

export function numberOf(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}
