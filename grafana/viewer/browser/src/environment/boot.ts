// Read by Grafana's libraries when they are loaded, so it is imported before all of them.
interface GrafanaWindow {
  __grafana_public_path__: string;
  grafanaBootData: unknown;
}

const USER = { timezone: 'browser', weekStart: 'browser', locale: 'en-US', language: 'en-US' };

Object.assign(window as unknown as GrafanaWindow, {
  __grafana_public_path__: '/public/',
  grafanaBootData: { user: USER, settings: {}, navTree: [] },
} satisfies GrafanaWindow);

export {};
