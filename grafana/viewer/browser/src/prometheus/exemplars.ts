// Exemplars: single observations of a histogram, each with the labels that identify its job.
import { type DataFrame, DataTopic, FieldType } from '@grafana/data';
import { type ExemplarAnswer, type Labels, numberOf } from './model';

export interface Exemplar {
  time: number;
  value: number;
  labels: Labels;
}

/** In each step keeps the highest, and lower ones at least two standard deviations below the one kept before. */
export function thinned(exemplars: Exemplar[], step: number): Exemplar[] {
  const apart = 2 * deviation(exemplars.map((one) => one.value));
  const steps = Map.groupBy(exemplars, (one) => Math.floor(one.time / (step * 1000)));
  return [...steps.values()].flatMap((ofStep) => {
    const kept: Exemplar[] = [];
    for (const one of ofStep.sort((a, b) => b.value - a.value)) {
      const last = kept.at(-1);
      if (!last || last.value - one.value > apart) {
        kept.push(one);
      }
    }
    return kept;
  });
}

function deviation(values: number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

export function exemplarFrame(refId: string, answer: ExemplarAnswer, step: number): DataFrame {
  const all = answer.flatMap((series) =>
    series.exemplars.map((one) => ({
      time: one.timestamp * 1000,
      value: numberOf(one.value),
      labels: { ...series.seriesLabels, ...one.labels },
    })),
  );
  const shown = thinned(all, step);
  return {
    refId,
    name: 'exemplar',
    length: shown.length,
    meta: { dataTopic: DataTopic.Annotations, custom: { resultType: 'exemplar' } },
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: shown.map((one) => one.time) },
      { name: 'Value', type: FieldType.number, config: {}, values: shown.map((one) => one.value) },
      { name: 'Labels', type: FieldType.other, config: {}, values: shown.map((one) => one.labels) },
    ],
  };
}
