import '../environment/boot';
import { registerRuntimeDataSource } from '@grafana/scenes';
import { createRoot } from 'react-dom/client';
import { prepare } from '../environment/prepare';
import { followBrowser, themeMode } from '../environment/theme';
import { registerPanels } from '../panels/registry';
import { PrometheusDataSource, sourceSettings } from '../prometheus/datasource';
import { setDestinations } from '../variables/exemplarLinks';
import { followLinks } from './App';
import { type ServerModel } from './model';
import { Page } from './Page';

async function start(root: HTMLElement): Promise<void> {
  const response = await fetch('/api/viewer');
  if (!response.ok) {
    throw new Error(await response.text());
  }
  const server = (await response.json()) as ServerModel;
  const source = new PrometheusDataSource(server.source.scrapeInterval);
  setDestinations(server.source.exemplars);
  await prepare(themeMode(), source, sourceSettings(server.source.name));
  registerRuntimeDataSource({ dataSource: source });
  registerPanels();
  followBrowser();
  document.addEventListener('click', followLinks);
  createRoot(root).render(<Page server={server} />);
}

const root = document.getElementById('root');
if (root) {
  start(root).catch((error: unknown) => {
    root.textContent = `The viewer cannot start: ${error instanceof Error ? error.message : String(error)}`;
  });
}
