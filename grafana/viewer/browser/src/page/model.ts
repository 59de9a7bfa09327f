// The parts of a dashboard's JSON that the viewer reads, and the answers of its server.
import { type FieldConfigSource } from '@grafana/data';
import { type DataTransformerConfig } from '@grafana/schema';
import { type PrometheusAnnotation } from '../prometheus/annotations';
import { type PrometheusQuery } from '../prometheus/model';
import { type Destination } from '../variables/exemplarLinks';
import { type VariableModel } from '../variables/variables';

/** For a panel without field configuration. */
export const NO_FIELDS: FieldConfigSource = { defaults: {}, overrides: [] };

export interface PanelLink {
  title: string;
  url: string;
  targetBlank?: boolean;
}

export interface PanelModel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: PrometheusQuery[];
  transformations?: DataTransformerConfig[];
  fieldConfig?: FieldConfigSource;
  options?: object;
  pluginVersion?: string;
  interval?: string;
  maxDataPoints?: number | null;
  links?: PanelLink[];
  transparent?: boolean;
  /** Of a row. */
  collapsed?: boolean;
  panels?: PanelModel[];
}

export interface DashboardLink {
  title: string;
  type: 'dashboards' | 'link';
  tags?: string[];
  url?: string;
  includeVars?: boolean;
  keepTime?: boolean;
}

export interface DashboardModel {
  uid: string;
  title: string;
  tags: string[];
  time: { from: string; to: string };
  refresh?: string;
  timezone?: string;
  timepicker?: { refresh_intervals?: string[] };
  graphTooltip?: number;
  links: DashboardLink[];
  templating: { list: VariableModel[] };
  annotations: { list: PrometheusAnnotation[] };
  panels: PanelModel[];
}

export interface DashboardAddress {
  uid: string;
  title: string;
  tags: string[];
}

/** Answer of /api/viewer. */
export interface ServerModel {
  dashboards: DashboardAddress[];
  source: { name: string; scrapeInterval: string; exemplars: Destination[] };
}
