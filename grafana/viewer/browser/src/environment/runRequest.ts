// Runs a panel's queries, as Grafana's core does for its libraries.
import {
  type DataFrame,
  type DataQueryRequest,
  type DataSourceApi,
  DataTopic,
  LoadingState,
  type PanelData,
} from '@grafana/data';
import { catchError, from, isObservable, map, type Observable, of, startWith } from 'rxjs';

const isAnnotation = (frame: DataFrame) => frame.meta?.dataTopic === DataTopic.Annotations;

export function runRequest(
  source: DataSourceApi,
  request: DataQueryRequest,
  query?: DataSourceApi['query'],
): Observable<PanelData> {
  const base = { series: [], timeRange: request.range, request };
  const answer = query ? query(request) : source.query(request);
  return (isObservable(answer) ? answer : from(answer)).pipe(
    map((response): PanelData => {
      const frames = response.data as DataFrame[];
      const error = response.errors?.[0];
      return {
        ...base,
        state: error ? LoadingState.Error : LoadingState.Done,
        error,
        errors: response.errors,
        series: frames.filter((frame) => !isAnnotation(frame)),
        annotations: frames.filter(isAnnotation),
      };
    }),
    catchError((problem: unknown) => {
      const error = { message: problem instanceof Error ? problem.message : String(problem) };
      return of<PanelData>({ ...base, state: LoadingState.Error, error, errors: [error] });
    }),
    startWith<PanelData>({ ...base, state: LoadingState.Loading }),
  );
}
