// Each panel type as a plugin.
import {
  type FieldColor,
  FieldConfigProperty,
  type FieldConfigSource,
  getPanelOptionsWithDefaults,
  identityOverrideProcessor,
  PanelPlugin,
  type PanelPluginMeta,
  type PanelProps,
} from '@grafana/data';
import { registerRuntimePanelPlugin } from '@grafana/scenes';
import { type ComponentType } from 'react';
import { AlertList } from './AlertList';
import { Bars } from './Bars';
import * as defaults from './defaults';
import { Fault } from './Fault';
import { Graph } from './Graph';
import { guarded } from './Guard';
import { Heatmap } from './Heatmap';
import { Stat } from './Stat';
import { StateTimeline } from './StateTimeline';
import { Table } from './Table';
import { Words } from './Words';

interface PanelType {
  component: ComponentType<PanelProps>;
  options: object;
  color: FieldColor;
  /** Custom options of its fields. */
  field: object;
}

function type<Options extends object>(
  component: ComponentType<PanelProps<Options>>,
  options: Options,
  color: FieldColor = defaults.BY_THRESHOLD,
  field: object = {},
): PanelType {
  // A plugin is looked up by its id. Only its component knows the type of its options.
  return { component: component, options, color, field };
}

/** The type of the panel that replaces one that cannot be drawn. */
export const FAULT = 'fault';

const TYPES: Record<string, PanelType> = {
  stat: type(Stat, defaults.STAT),
  bargauge: type(Bars, defaults.BARS),
  timeseries: type(Graph, defaults.GRAPH, defaults.BY_SERIES, defaults.TIME_SERIES_FIELD),
  table: type(Table, defaults.TABLE, defaults.BY_THRESHOLD, defaults.TABLE_FIELD),
  heatmap: type(Heatmap, defaults.HEATMAP),
  'state-timeline': type(StateTimeline, defaults.STATE_TIMELINE, defaults.BY_THRESHOLD, defaults.STATE_TIMELINE_FIELD),
  text: type(Words, defaults.WORDS),
  alertlist: type(AlertList, defaults.ALERT_LIST),
  [FAULT]: type(Fault, { fault: '' }),
};

const PLUGINS = new Map(Object.entries(TYPES).map(([id, one]) => [id, pluginOf(id, one)]));

export function registerPanels(): void {
  for (const [pluginId, plugin] of PLUGINS) {
    registerRuntimePanelPlugin({ pluginId, plugin });
  }
}

export const isKnown = (id: string): boolean => PLUGINS.has(id);

/** Throws the error that @grafana/scenes does not catch when it adds the defaults of a panel's type. */
export function checkDefaults(type: string, currentOptions: object, currentFieldConfig: FieldConfigSource): void {
  const plugin = PLUGINS.get(type);
  if (plugin) {
    getPanelOptionsWithDefaults({ plugin, currentOptions: { ...currentOptions }, currentFieldConfig, isAfterPluginChange: false });
  }
}

function pluginOf(id: string, { component, options, color, field }: PanelType): PanelPlugin {
  const plugin = new PanelPlugin(guarded(component));
  plugin.setPanelOptions((builder) => {
    for (const [path, defaultValue] of Object.entries(options)) {
      builder.addCustomEditor({ id: path, path, name: path, defaultValue: defaultValue as unknown, editor: () => null });
    }
  });
  plugin.useFieldConfig({
    standardOptions: { [FieldConfigProperty.Color]: { settings: {}, defaultValue: color } },
    useCustomConfig: (builder) => {
      for (const [path, defaultValue] of Object.entries(field)) {
        builder.addCustomEditor({
          id: path,
          path,
          name: path,
          defaultValue: defaultValue as unknown,
          editor: () => null,
          override: () => null,
          process: identityOverrideProcessor,
          shouldApply: () => true,
        });
      }
    },
  });
  plugin.setDataSupport({ annotations: true, alertStates: false });
  plugin.meta = { ...(plugin.meta as PanelPluginMeta | undefined), id, skipDataQuery: id === 'text' || id === FAULT } as PanelPluginMeta;
  return plugin;
}
