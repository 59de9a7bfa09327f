// The variables of a dashboard as objects of the scene.
import { DataSourceVariable, QueryVariable, type SceneVariable } from '@grafana/scenes';
import { type VariableHide, type VariableRefresh, type VariableSort } from '@grafana/schema';
import { SOURCE } from '../prometheus/datasource';

export interface VariableModel {
  type: 'query' | 'datasource';
  name: string;
  label?: string;
  hide?: VariableHide;
  query: string;
  regex?: string;
  refresh?: VariableRefresh;
  sort?: VariableSort;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string | null;
  current?: { text: string | string[]; value: string | string[] };
  skipUrlSync?: boolean;
}

export function variableOf(model: VariableModel, sourceName: string): SceneVariable {
  const { name, label, hide } = model;
  if (model.type === 'datasource') {
    return new DataSourceVariable({ name, label, hide, pluginId: model.query, value: SOURCE.uid, text: sourceName });
  }
  return new QueryVariable({
    name,
    label,
    hide,
    datasource: SOURCE,
    skipUrlSync: model.skipUrlSync,
    query: model.query,
    regex: model.regex,
    refresh: model.refresh,
    sort: model.sort,
    isMulti: model.multi,
    includeAll: model.includeAll,
    defaultToAll: model.includeAll,
    allValue: model.allValue ?? undefined,
    value: model.current?.value ?? '',
    text: model.current?.text ?? '',
  });
}
