// The data source of panels, variables and annotations.
import {
  type AnnotationQuery,
  type AnnotationSupport,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
  type DataSourcePluginMeta,
  type MetricFindValue,
  PluginType,
  type ScopedVars,
  type TimeRange,
} from '@grafana/data';
import { RuntimeDataSource } from '@grafana/scenes';
import { from, Observable, of } from 'rxjs';
import { eventsOf, type PrometheusAnnotation, queryOf } from './annotations';
import { askingScene, interpolate } from './interpolation';
import { type PrometheusQuery } from './model';
import { runQueries } from './queries';
import { rangeBuiltins } from './step';
import { variableValues } from './variableValues';

export const SOURCE = { type: 'prometheus', uid: 'prometheus' };
const POINTS = 1000;

interface FindOptions {
  range?: TimeRange;
  scopedVars?: ScopedVars;
}

export class PrometheusDataSource extends RuntimeDataSource {
  constructor(private readonly scrapeInterval: string) {
    super(SOURCE.type, SOURCE.uid);
    this.interval = scrapeInterval;
    this.annotations = annotationSupport;
  }

  override query(request: DataQueryRequest): Observable<DataQueryResponse> {
    const scene = askingScene(request.scopedVars);
    return new Observable((subscriber) => {
      // Cancels the request if the panel sends a new one or is removed.
      const abort = new AbortController();
      const answered = runQueries({
        queries: request.targets as PrometheusQuery[],
        range: request.range,
        points: request.maxDataPoints ?? POINTS,
        scrapeInterval: this.scrapeInterval,
        fill: (expr, builtin) => interpolate(scene, expr, { ...request.scopedVars, ...builtin }),
        signal: abort.signal,
      });
      const running = from(answered).subscribe(subscriber);
      return () => {
        running.unsubscribe();
        abort.abort();
      };
    });
  }

  override metricFindQuery(query: string | { query: string }, options?: FindOptions): Promise<MetricFindValue[]> {
    const text = typeof query === 'string' ? query : query.query;
    const scene = askingScene(options?.scopedVars);
    const range = options?.range;
    const scopedVars = { ...options?.scopedVars, ...(range && rangeBuiltins(range)) };
    return variableValues(interpolate(scene, text, scopedVars), range);
  }

  override testDatasource(): Promise<{ status: string; message: string }> {
    return Promise.resolve({ status: 'success', message: '' });
  }
}

const annotationSupport: AnnotationSupport = {
  prepareAnnotation: (annotation: AnnotationQuery) => annotation,
  prepareQuery: (annotation) => queryOf(annotation),
  processEvents: (annotation, frames) => of(eventsOf(annotation as PrometheusAnnotation, frames)),
};

const NO_META: DataSourcePluginMeta = {
  id: SOURCE.type,
  name: 'Prometheus',
  type: PluginType.datasource,
  module: '',
  baseUrl: '',
  info: {
    author: { name: '' },
    description: '',
    links: [],
    logos: { small: '', large: '' },
    screenshots: [],
    updated: '',
    version: '',
  },
};

export function sourceSettings(name: string): DataSourceInstanceSettings {
  return { ...SOURCE, id: 1, name, meta: NO_META, readOnly: true, access: 'proxy', jsonData: {}, isDefault: true };
}
