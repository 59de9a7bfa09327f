// Replaces @grafana/plugin-compat/datasources, which needs exports that this version of @grafana/runtime lacks.
import { getDataSourceSrv } from '@grafana/runtime';

type Service = ReturnType<typeof getDataSourceSrv>;

export const getDataSourceInstance: Service['get'] = (ref, scopedVars) => getDataSourceSrv().get(ref, scopedVars);
export const getDataSourceInstanceSettings = (
  ref: Parameters<Service['getInstanceSettings']>[0],
): Promise<ReturnType<Service['getInstanceSettings']>> => Promise.resolve(getDataSourceSrv().getInstanceSettings(ref));
export const getDataSourceInstanceList = (
  filters?: Parameters<Service['getList']>[0],
): Promise<ReturnType<Service['getList']>> => Promise.resolve(getDataSourceSrv().getList(filters));
export const getDefaultDataSourceInstanceListItem = <Item>(items: Item[]): Promise<Item | undefined> =>
  Promise.resolve(items[0]);
export const registerRuntimeDataSourceInstance = (): void => undefined;
