// Sets up what Grafana's core provides to its libraries: theme, registries and services.
import {
  createTheme,
  type DataSourceApi,
  type DataSourceInstanceSettings,
  type DataTransformerInfo,
  EventBusSrv,
  type GrafanaConfig,
  locationUtil,
  standardEditorsRegistry,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  type TransformerRegistryItem,
} from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import {
  type BackendSrv,
  config,
  setAppEvents,
  setBackendSrv,
  setDataSourceSrv,
  setPluginImportUtils,
  setRunRequest,
  setTemplateSrv,
} from '@grafana/runtime';
import { EMPTY } from 'rxjs';
import { standardFieldProperties } from './fieldProperties';
import { fillIconCache } from './icons';
import { runRequest } from './runRequest';
import { type ThemeMode } from './theme';

export async function prepare(mode: ThemeMode, source: DataSourceApi, settings: DataSourceInstanceSettings): Promise<void> {
  await initPluginTranslations('rq-mon-viewer');
  config.theme2 = createTheme({ colors: { mode } });
  config.theme = config.theme2.v1;
  fillIconCache();
  fillRegistries();
  provideServices(source, settings);
}

function fillRegistries(): void {
  standardFieldConfigEditorRegistry.setInit(standardFieldProperties);
  standardEditorsRegistry.setInit(() => []);
  const transformers = new Map(
    Object.values(standardTransformers).map((one) => [one.id, one as DataTransformerInfo]),
  );
  standardTransformersRegistry.setInit(() => [...transformers.values()].map(registered));
}

function registered(transformer: DataTransformerInfo): TransformerRegistryItem {
  return {
    id: transformer.id,
    name: transformer.name,
    transformation: () => Promise.resolve(transformer),
    editor: () => null,
    imageDark: '',
    imageLight: '',
  };
}

function provideServices(source: DataSourceApi, settings: DataSourceInstanceSettings): void {
  setAppEvents(new EventBusSrv());
  setRunRequest(runRequest);
  setPluginImportUtils({
    importPanelPlugin: (id: string) => Promise.reject(new Error(`The viewer has no panel of type ${id}`)),
    getPanelPluginFromCache: () => undefined,
  });
  // There is no Grafana server behind the viewer, and the libraries work without its answers.
  setBackendSrv({ get: () => Promise.resolve({}), fetch: () => EMPTY } as unknown as BackendSrv);
  setTemplateSrv({
    replace: (text?: string) => text ?? '',
    getVariables: () => [],
    containsTemplate: () => false,
    updateTimeRange: () => undefined,
  });
  setDataSourceSrv({
    get: () => Promise.resolve(source),
    getList: () => [settings],
    getInstanceSettings: () => settings,
    reload: () => Promise.resolve(),
    registerRuntimeDataSource: () => undefined,
  });
  locationUtil.initialize({
    config: config as unknown as GrafanaConfig,
    getVariablesUrlParams: () => ({}),
    getTimeRangeForUrl: () => ({ from: 'now-1h', to: 'now' }),
  });
}
