// Annotations from a query: each run of samples other than zero is one event.
import { type AnnotationEvent, type AnnotationQuery, type DataFrame, rangeUtil } from '@grafana/data';
import { fillLabels } from './frames';
import { type Labels, type PrometheusQuery } from './model';

export interface PrometheusAnnotation extends AnnotationQuery {
  expr?: string;
  step?: string;
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
}

const STEP = '60s';

export function queryOf(annotation: PrometheusAnnotation): PrometheusQuery | undefined {
  if (!annotation.expr) {
    return undefined;
  }
  return { refId: 'Annotation', expr: annotation.expr, interval: annotation.step ?? STEP, format: 'time_series' };
}

export function eventsOf(annotation: PrometheusAnnotation, frames: DataFrame[]): AnnotationEvent[] {
  return frames.flatMap((frame) => eventsOfSeries(annotation, frame));
}

function eventsOfSeries(annotation: PrometheusAnnotation, frame: DataFrame): AnnotationEvent[] {
  const [time, value] = frame.fields;
  if (!time || !value) {
    return [];
  }
  const labels: Labels = value.labels ?? {};
  const interval = time.config.interval ?? rangeUtil.intervalToSeconds(annotation.step ?? STEP) * 1000;
  const happened = (time.values as number[]).filter((_, i) => Boolean(value.values[i]));
  return spans(happened, interval).map(([start, end]) => ({
    time: start,
    timeEnd: end,
    isRegion: end > start,
    color: annotation.iconColor,
    title: fillLabels(annotation.titleFormat, labels),
    text: fillLabels(annotation.textFormat, labels),
    tags: (annotation.tagKeys ?? '').split(',').flatMap((key) => labels[key.trim()] ?? []),
  }));
}

function spans(times: number[], interval: number): [number, number][] {
  const found: [number, number][] = [];
  for (const time of times) {
    const last = found.at(-1);
    if (last && time - last[1] <= interval) {
      last[1] = time;
    } else {
      found.push([time, time]);
    }
  }
  return found;
}
