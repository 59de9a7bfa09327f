// Annotations on a graph: dashed lines and shaded regions, each with a mark under the axis that explains it.
import { css } from '@emotion/css';
import { type DataFrame, dateTimeFormat, FieldType, type GrafanaTheme2, type TimeZone } from '@grafana/data';
import { Stack, Tag, Text, type UPlotConfigBuilder, useStyles2, useTheme2 } from '@grafana/ui';
import { type JSX, useMemo } from 'react';
import type uPlot from 'uplot';
import { clipped, type Mark, Overlay, type Place } from './overlay';

interface Happened {
  from: number;
  to: number;
  title: string;
  text: string;
  tags: string[];
  color: string;
}

const NARROWEST = 8;

interface Props {
  config: UPlotConfigBuilder;
  annotations: DataFrame[] | undefined;
  timeZone: TimeZone;
}

export function Annotations({ config, annotations, timeZone }: Props): JSX.Element {
  const styles = useStyles2(getStyles);
  const theme = useTheme2();
  const events = useMemo(() => (annotations ?? []).flatMap((frame) => happened(frame, theme)), [annotations, theme]);
  const marks = useMemo(
    () =>
      events.map((event, i): Mark => ({
        key: `${event.from}-${i}`,
        label: [event.title, event.text].filter(Boolean).join(': '),
        place: (plot) => placeOf(plot, event),
        content: <EventDetails event={event} timeZone={timeZone} />,
        className: styles.mark(event.color),
      })),
    [events, timeZone, styles],
  );
  const paint = useMemo(() => (plot: uPlot) => clipped(plot, (context) => events.forEach((one) => shade(plot, context, one))), [events]);
  return <Overlay config={config} marks={marks} paint={paint} />;
}

function happened(frame: DataFrame, theme: GrafanaTheme2): Happened[] {
  const column = <Value,>(name: string) => frame.fields.find((field) => field.name === name)?.values as Value[] | undefined;
  const starts = frame.fields.find((field) => field.name === 'time' && field.type === FieldType.time)?.values as number[] | undefined;
  return (starts ?? []).map((from, i) => ({
    from,
    to: column<number | undefined>('timeEnd')?.[i] ?? from,
    title: column<string>('title')?.[i] ?? '',
    text: column<string>('text')?.[i] ?? '',
    tags: column<string[]>('tags')?.[i] ?? [],
    color: theme.visualization.getColorByName(column<string>('color')?.[i] ?? 'red'),
  }));
}

function placeOf(plot: uPlot, event: Happened): Place | undefined {
  const width = plot.over.clientWidth;
  const from = plot.valToPos(event.from, 'x');
  const to = plot.valToPos(event.to, 'x');
  if (to < 0 || from > width) {
    return undefined;
  }
  const left = Math.max(0, from);
  const wide = Math.max(NARROWEST, Math.min(width, to) - left);
  return { left: to - from < NARROWEST ? left - NARROWEST / 2 : left, top: plot.over.clientHeight, width: wide };
}

function shade(plot: uPlot, context: CanvasRenderingContext2D, event: Happened): void {
  const { top, height } = plot.bbox;
  const from = plot.valToPos(event.from, 'x', true);
  const to = plot.valToPos(event.to, 'x', true);
  context.fillStyle = context.strokeStyle = event.color;
  context.globalAlpha = 0.1;
  context.fillRect(from, top, to - from, height);
  context.globalAlpha = 1;
  context.lineWidth = window.devicePixelRatio;
  context.setLineDash([5, 5]);
  context.beginPath();
  for (const at of new Set([from, to])) {
    context.moveTo(at, top);
    context.lineTo(at, top + height);
  }
  context.stroke();
}

function EventDetails({ event, timeZone }: { event: Happened; timeZone: TimeZone }): JSX.Element {
  const times = event.to > event.from ? [event.from, event.to] : [event.from];
  return (
    <Stack direction="column" gap={0.5}>
      <Text variant="bodySmall">{times.map((time) => dateTimeFormat(time, { timeZone })).join(' to ')}</Text>
      {event.title && <Text weight="medium">{event.title}</Text>}
      {event.text && <Text>{event.text}</Text>}
      <Stack gap={0.5} wrap="wrap">
        {event.tags.map((tag) => (
          <Tag key={tag} name={tag} />
        ))}
      </Stack>
    </Stack>
  );
}

const getStyles = () => ({ mark: (color: string) => css({ height: 5, background: color }) });
