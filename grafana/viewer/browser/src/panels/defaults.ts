// Grafana's defaults for options that a dashboard does not set.
import { FieldColorModeId } from '@grafana/data';
import {
  BarGaugeDisplayMode,
  BarGaugeNamePlacement,
  BarGaugeSizing,
  BarGaugeValueMode,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueJustifyMode,
  BigValueTextMode,
  LegendDisplayMode,
  PercentChangeColorMode,
  SortOrder,
  TableCellHeight,
  TooltipDisplayMode,
  VizOrientation,
} from '@grafana/schema';
import { type AlertListOptions } from './AlertList';
import { type BarsOptions } from './Bars';
import { type GraphOptions } from './Graph';
import { type HeatmapOptions } from './Heatmap';
import { type StatOptions } from './Stat';
import { type StateTimelineOptions } from './StateTimeline';
import { type TableOptions } from './Table';
import { type WordsOptions } from './Words';

const LAST = { reduceOptions: { values: false, calcs: ['lastNotNull'], fields: '' }, orientation: VizOrientation.Auto };
const LEGEND = { showLegend: true, displayMode: LegendDisplayMode.List, placement: 'bottom' as const, calcs: [] };

export const STAT: StatOptions = {
  ...LAST,
  graphMode: BigValueGraphMode.Area,
  colorMode: BigValueColorMode.Value,
  justifyMode: BigValueJustifyMode.Auto,
  textMode: BigValueTextMode.Auto,
  wideLayout: true,
  showPercentChange: false,
  percentChangeColorMode: PercentChangeColorMode.Standard,
};

export const BARS: BarsOptions = {
  ...LAST,
  displayMode: BarGaugeDisplayMode.Gradient,
  valueMode: BarGaugeValueMode.Color,
  namePlacement: BarGaugeNamePlacement.Auto,
  showUnfilled: true,
  sizing: BarGaugeSizing.Auto,
  minVizWidth: 8,
  minVizHeight: 16,
  maxVizHeight: 300,
};

export const GRAPH: GraphOptions = {
  legend: LEGEND,
  tooltip: { mode: TooltipDisplayMode.Single, sort: SortOrder.None },
};

export const TABLE: TableOptions = { showHeader: true, cellHeight: TableCellHeight.Sm, sortBy: [] };

export const HEATMAP: HeatmapOptions = {
  cellGap: 1,
  cellValues: {},
  color: { exponent: 0.5, reverse: false },
  exemplars: { color: 'rgba(255, 0, 255, 0.7)' },
  filterValues: { le: 1e-9 },
  legend: { show: true },
  yAxis: {},
};

export const STATE_TIMELINE: StateTimelineOptions = { rowHeight: 0.9, mergeValues: true, legend: LEGEND };

export const ALERT_LIST: AlertListOptions = {
  alertName: '',
  maxItems: 20,
  stateFilter: { firing: true, pending: true, normal: false },
};

export const WORDS: WordsOptions = { content: '' };

export const TIME_SERIES_FIELD = {
  drawStyle: 'line',
  lineInterpolation: 'linear',
  lineWidth: 1,
  lineStyle: undefined,
  fillOpacity: 0,
  gradientMode: 'none',
  spanNulls: false,
  showPoints: 'auto',
  pointSize: 5,
  stacking: { mode: 'none', group: 'A' },
  axisPlacement: 'auto',
  axisColorMode: 'text',
  axisBorderShow: false,
  axisCenteredZero: false,
  axisSoftMin: undefined,
  axisSoftMax: undefined,
  axisLabel: undefined,
  scaleDistribution: { type: 'linear' },
  thresholdsStyle: { mode: 'off' },
  barAlignment: 0,
  barWidthFactor: 0.6,
  hideFrom: { legend: false, tooltip: false, viz: false },
};

export const TABLE_FIELD = {
  align: 'auto',
  cellOptions: { type: 'auto' },
  inspect: false,
  width: undefined,
  minWidth: undefined,
  filterable: undefined,
  hideFrom: undefined,
  wrapText: undefined,
  tooltip: undefined,
  footer: undefined,
};

export const STATE_TIMELINE_FIELD = { lineWidth: 0, fillOpacity: 70 };

export const BY_SERIES = { mode: FieldColorModeId.PaletteClassic };
export const BY_THRESHOLD = { mode: FieldColorModeId.Thresholds };
