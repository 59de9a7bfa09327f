// A dashboard's JSON as a scene of @grafana/scenes.
import {
  behaviors,
  dataLayers,
  SceneDataLayerSet,
  SceneDataTransformer,
  SceneGridItem,
  SceneGridLayout,
  SceneGridRow,
  SceneQueryRunner,
  SceneReactObject,
  SceneTimePicker,
  SceneTimeRange,
  SceneVariableSet,
  VariableValueSelectors,
  type VizPanel,
} from '@grafana/scenes';
import { SOURCE } from '../prometheus/datasource';
import { MOST_SERIES } from '../prometheus/queries';
import { variableOf } from '../variables/variables';
import { AnnotationSwitches } from './AnnotationSwitches';
import { DashboardScene } from './DashboardScene';
import { type DashboardModel, NO_FIELDS, type PanelModel } from './model';
import { messageOf } from './checks';
import { checkPanel, checkRow, faultOf, isRow } from './faults';
import { Panel } from './Panel';
import { PanelLinks } from './PanelLinks';
import { RefreshPicker } from './RefreshPicker';

/** Grafana's internal data source, which the viewer does not have. */
const GRAFANA_SOURCE = '-- Grafana --';

export function sceneOf(dashboard: DashboardModel, sourceName: string): DashboardScene {
  return new DashboardScene({
    key: dashboard.uid,
    $timeRange: new SceneTimeRange({ ...dashboard.time, timeZone: dashboard.timezone ?? 'browser' }),
    $variables: new SceneVariableSet({
      variables: dashboard.templating.list.map((one) => variableOf(one, sourceName)),
    }),
    $data: annotationsOf(dashboard),
    $behaviors: [new behaviors.CursorSync({ sync: (dashboard.graphTooltip ?? 0) })],
    time: [
      new SceneTimePicker({ isOnCanvas: true }),
      new RefreshPicker({
        refresh: dashboard.refresh,
        intervals: dashboard.timepicker?.refresh_intervals,
        isOnCanvas: true,
      }),
    ],
    choices: [new VariableValueSelectors({}), new AnnotationSwitches({})],
    body: new SceneGridLayout({ isLazy: true, children: itemsOf(dashboard.panels) }),
  });
}

function annotationsOf({ annotations }: DashboardModel): SceneDataLayerSet {
  const layers = annotations.list.filter((one) => one.datasource?.uid !== GRAFANA_SOURCE);
  return new SceneDataLayerSet({
    name: layers.map((one) => one.name).join(', '),
    layers: layers.map(
      (one) =>
        new dataLayers.AnnotationsDataLayer({
          key: one.name,
          name: one.name,
          isEnabled: one.enable !== false,
          isHidden: one.hide,
          query: { ...one, datasource: SOURCE },
        }),
    ),
  });
}

/** Assigns the panels below an open row to it, as Grafana does. */
function itemsOf(panels: PanelModel[]): (SceneGridItem | SceneGridRow)[] {
  const items: (SceneGridItem | SceneGridRow)[] = [];
  let row: SceneGridRow | undefined;
  for (const panel of panels) {
    if (isRow(panel)) {
      const drawn = orFault(panel, rowOf);
      row = drawn instanceof SceneGridRow ? drawn : undefined;
      items.push(drawn);
    } else if (row && !row.state.isCollapsed) {
      row.setState({ children: [...row.state.children, orFault(panel, itemOf)] });
    } else {
      items.push(orFault(panel, itemOf));
    }
  }
  return items;
}

/** Builds a panel. If its JSON is broken, only this panel shows an error. */
function orFault<Item>(panel: PanelModel, draw: (panel: PanelModel) => Item): Item | SceneGridItem {
  try {
    return draw(panel);
  } catch (error) {
    return itemOf(faultOf(panel, messageOf(error)));
  }
}

function rowOf(row: PanelModel): SceneGridRow {
  checkRow(row);
  return new SceneGridRow({
    title: row.title,
    isCollapsible: true,
    isCollapsed: Boolean(row.collapsed),
    y: row.gridPos.y,
    children: (row.panels ?? []).map((panel) => orFault(panel, itemOf)),
  });
}

function itemOf(panel: PanelModel): SceneGridItem {
  checkPanel(panel);
  const { x, y, w, h } = panel.gridPos;
  return new SceneGridItem({ x, y, width: w, height: h, body: panelOf(panel), isResizable: false, isDraggable: false });
}

function panelOf(panel: PanelModel): VizPanel {
  const links = panel.links ?? [];
  const made: VizPanel = new Panel({
    key: `panel-${panel.id}`,
    title: panel.title,
    description: panel.description,
    pluginId: panel.type,
    options: panel.options ?? {},
    pluginVersion: panel.pluginVersion,
    fieldConfig: panel.fieldConfig ?? NO_FIELDS,
    seriesLimit: MOST_SERIES,
    displayMode: panel.transparent ? 'transparent' : 'default',
    titleItems: links.length > 0 ? new SceneReactObject({ component: PanelLinks, props: { links, panel: () => made } }) : undefined,
    $data: dataOf(panel),
  });
  return made;
}

function dataOf({ targets = [], transformations = [], maxDataPoints, interval }: PanelModel): SceneDataTransformer | undefined {
  if (targets.length === 0) {
    return undefined;
  }
  const queries = targets.map((target) => ({ ...target, datasource: SOURCE }));
  return new SceneDataTransformer({
    $data: new SceneQueryRunner({
      datasource: SOURCE,
      queries,
      maxDataPoints: maxDataPoints ?? undefined,
      minInterval: interval,
    }),
    transformations,
  });
}
