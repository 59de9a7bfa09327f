// Time series, drawn by @grafana/ui's component.
import { type DataFrame, dateTimeFormat, FieldType, getFieldDisplayName, type PanelProps } from '@grafana/data';
import { DashboardCursorSync, SortOrder, TooltipDisplayMode, type VizLegendOptions } from '@grafana/schema';
import {
  getFieldDisplayItems,
  TimeSeries,
  TooltipPlugin2,
  type UPlotConfigBuilder,
  usePanelContext,
  VizTooltipContent,
  VizTooltipFooter,
  VizTooltipHeader,
  VizTooltipWrapper,
} from '@grafana/ui';
import { type JSX, useMemo } from 'react';
import { Annotations } from './Annotations';
import { tickCounts } from './countTicks';
import { SECONDS, tickDurations } from './durationTicks';
import { Message } from './Message';
import { PADDING } from './padding';
import { HOVER } from './tooltip';

export interface GraphOptions {
  legend: VizLegendOptions;
  tooltip: { mode: TooltipDisplayMode; sort: SortOrder; maxWidth?: number; maxHeight?: number };
}

export function Graph(props: PanelProps<GraphOptions>): JSX.Element {
  const { data, options, fieldConfig, width, height, timeRange, timeZone } = props;
  const frames = useMemo(() => graphsOf(data.series), [data.series]);
  if (frames.length === 0) {
    return <Message data={data} noValue={fieldConfig.defaults.noValue} />;
  }
  return (
    <TimeSeries
      frames={frames}
      structureRev={data.structureRev}
      timeRange={timeRange}
      timeZone={timeZone}
      width={width}
      height={height}
      legend={options.legend}
      options={options}
    >
      {(config, aligned) => {
        config.setPadding(PADDING);
        config.addHook('init', fieldConfig.defaults.unit === SECONDS ? tickDurations : tickCounts);
        return (
        <>
          {options.tooltip.mode !== TooltipDisplayMode.None && <Tooltip panel={props} config={config} aligned={aligned} />}
          <Annotations config={config} annotations={data.annotations} timeZone={timeZone} />
        </>
        );
      }}
    </TimeSeries>
  );
}

/**
 * The frames to draw. The series name, which selects the colour, is also the field name, because @grafana/data drops the
 * frame's name when it joins frames.
 */
function graphsOf(frames: DataFrame[]): DataFrame[] {
  return frames.filter(isGraph).map((frame, _, all) => ({
    ...frame,
    fields: frame.fields.map((field) =>
      field.type === FieldType.number ? { ...field, name: getFieldDisplayName(field, frame, all) } : field,
    ),
  }));
}

function isGraph(frame: DataFrame): boolean {
  const has = (type: FieldType) => frame.fields.some((field) => field.type === type);
  return frame.length > 0 && has(FieldType.time) && has(FieldType.number);
}

interface TooltipProps {
  panel: PanelProps<GraphOptions>;
  config: UPlotConfigBuilder;
  aligned: DataFrame;
}

function Tooltip({ panel, config, aligned }: TooltipProps): JSX.Element {
  const { sync, eventsScope } = usePanelContext();
  const { mode, sort, maxWidth, maxHeight } = panel.options.tooltip;
  const [x] = aligned.fields;
  const syncMode = sync?.() ?? DashboardCursorSync.Off;
  const isShared = syncMode === DashboardCursorSync.Tooltip;
  return (
    <TooltipPlugin2
      config={config}
      hoverMode={mode === TooltipDisplayMode.Single ? HOVER.nearestSeries : HOVER.allSeries}
      syncMode={syncMode}
      syncScope={eventsScope}
      maxWidth={maxWidth}
      queryZoom={({ from, to }) => panel.onChangeTimeRange({ from, to })}
      getDataLinks={(series, row) => aligned.fields[series]?.getLinks?.({ valueRowIndex: row }) ?? []}
      render={(_plot, rows, series, isPinned, _dismiss, _range, viaSync, dataLinks) => {
        if (!x || (viaSync && !isShared)) {
          return null;
        }
        const row = rows.find((one) => one !== null && one !== undefined) ?? 0;
        const items = getFieldDisplayItems(aligned.fields, x, rows, series, mode, sort);
        return (
          <VizTooltipWrapper>
            <VizTooltipHeader
              item={{ label: '', value: dateTimeFormat(x.values[row] as number, { timeZone: panel.timeZone }) }}
              isPinned={isPinned}
            />
            <VizTooltipContent items={items} isPinned={isPinned} scrollable={isPinned || items.length > 12} maxHeight={maxHeight} />
            {(isPinned || dataLinks.length > 0) && <VizTooltipFooter dataLinks={dataLinks} />}
          </VizTooltipWrapper>
        );
      }}
    />
  );
}
